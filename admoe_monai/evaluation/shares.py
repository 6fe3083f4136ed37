"""Intervals of shares of people: accuracy, recall and specificity, where each person is counted once.

Wilson, E. B., "Probable inference, the law of succession, and statistical inference", J. Am. Stat. Assoc. 22 (1927): holds what
it says for few people as well, and where all or none are right, of which drawing people anew says nothing.

Axis letters: N people.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest

from admoe_monai.evaluation.bootstrap import LEVEL, Estimate


def share_estimates(truth: np.ndarray, predicted: np.ndarray, names: Sequence[str]) -> dict[str, Estimate]:
    """Estimate accuracy, and recall and specificity of each class, with Wilson's intervals.

    Args:
        truth: Class of each person (N,).
        predicted: Class that each person is called (N,).
        names: Names of the classes.

    Returns:
        Estimate per figure; figures of which there is nobody are left out.
    """
    right = truth == predicted
    counted = {"accuracy": right}
    for k, name in enumerate(names):
        counted |= {f"recall_{name}": right[truth == k], f"specificity_{name}": predicted[truth != k] != k}
    return {name: share_estimate(whether) for name, whether in counted.items() if len(whether)}


def share_estimate(whether: np.ndarray) -> Estimate:
    """Estimate a share with Wilson's interval.

    Args:
        whether: Whether each person counts (N,), of one person or more.
    """
    found, number = int(whether.sum()), len(whether)
    return Estimate(found / number, *wilson(found, number))


def wilson(count: int, number: int) -> tuple[float, float]:
    """Compute Wilson's 95 % interval of a share.

    Args:
        count: Number of people who count.
        number: Number of all, 1 or more.

    Returns:
        Lower and upper end.
    """
    interval = binomtest(count, number).proportion_ci(LEVEL, "wilson")
    return float(interval.low), float(interval.high)
