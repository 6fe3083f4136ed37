"""Calibration slope and intercept: the straight line between the logits of a class and what happens.

Cox, D. R., "Two further applications of a model for binary regression", Biometrika 45 (1958); Van Calster, B. et al.,
"Calibration: the Achilles heel of predictive analytics", BMC Med. 17 (2019): a slope below 1 means that the network is too
sure, an intercept below 0 that it calls the class too probable on the whole.

Axis letters: N people.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from admoe_monai.evaluation.bootstrap import LEVEL, Estimate

#: A smaller probability, or one that is nearer to 1, counts as this.
SMALLEST = 1e-9
#: Steps of Newton's method, of which a handful suffices, and the change at which it has arrived.
STEPS, ARRIVED = 50, 1e-10
#: A slope or an intercept beyond this is that of people whom the network tells apart without fault: there is none.
HIGHEST = 50.0


def calibration_lines(probabilities: np.ndarray, truth: np.ndarray, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Fit both lines for each class against the rest, with Wald's intervals.

    Args:
        probabilities: Array (N, K) of people counted once, each row summing to 1.
        truth: Class indices (N,).
        names: Names of the K classes.

    Returns:
        Per class ``slope`` and ``intercept``, each the fields of ``Estimate``; the intercept is that of a slope of 1
        (calibration in the large).
    """
    found = {}
    for k, name in enumerate(names):
        across, happens = logit(np.clip(probabilities[:, k], SMALLEST, 1 - SMALLEST)), (truth == k).astype(float)
        if not 0 < happens.sum() < len(happens):
            nothing = Estimate(None, note="everybody or nobody is of this class").as_dict()
            found[name] = {"slope": nothing, "intercept": nothing}
            continue
        ones = np.ones(len(across))
        found[name] = {
            "slope": _fit(np.stack([ones, across], axis=1), happens, np.zeros(len(across)))[-1].as_dict(),
            "intercept": _fit(ones[:, None], happens, across)[0].as_dict(),
        }
    return found


def _fit(design: np.ndarray, happens: np.ndarray, offset: np.ndarray) -> list[Estimate]:
    """Fit a logistic regression without penalty by Newton's method; an estimate per column of the design."""
    weights = np.zeros(design.shape[1])
    for _ in range(STEPS):
        chance = expit(offset + design @ weights)
        information = design.T @ (design * (chance * (1 - chance))[:, None])
        try:
            step = np.linalg.solve(information, design.T @ (happens - chance))
        except np.linalg.LinAlgError:
            break
        weights = weights + step
        if np.abs(step).max() < ARRIVED:
            half = norm.ppf((1 + LEVEL) / 2) * np.sqrt(np.diag(np.linalg.inv(information)))
            return [
                Estimate(float(value), float(value - wide), float(value + wide))
                for value, wide in zip(weights, half, strict=True)
            ]
        if np.abs(weights).max() > HIGHEST:
            break
    return [
        Estimate(None, note="no line: the class and the rest don't overlap, or all have one probability")
    ] * design.shape[1]
