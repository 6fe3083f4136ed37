"""Agreement of repeated measurements of the same people.

Shrout, P. E. and Fleiss, J. L., "Intraclass correlations: uses in assessing rater reliability", Psychol. Bull. 86 (1979).
Axis letters: R resamples, N people, M measurements of each.
"""

from __future__ import annotations

import numpy as np

from admoe_monai.evaluation.behind import too_few
from admoe_monai.evaluation.bootstrap import Estimate, percentile_estimate


def intraclass_correlation(scores: np.ndarray) -> float:
    """Compute ICC(2,1): agreement of single measurements, between which the mean may differ.

    Args:
        scores: Array (N, M) of at least two people and two measurements.

    Returns:
        1 where measurements agree entirely, 0 or less where people differ no more than measurements; NaN where all are equal.

    Raises:
        ValueError: For fewer people or measurements, or a score that is not finite.
    """
    if scores.ndim != 2 or min(scores.shape) < 2 or not np.isfinite(scores).all():
        raise ValueError(
            f"two people and two finite measurements of each are needed, got an array of shape {scores.shape}"
        )
    return float(_correlations(scores[None])[0])


def agreement(scores: np.ndarray, n_boot: int = 2000, seed: int = 0) -> Estimate:
    """Estimate ICC(2,1) with its percentile interval over people drawn anew.

    Args:
        scores: Array (N, M), as :func:`intraclass_correlation` takes it.
        n_boot: Number of resamples of people.
        seed: Seed of the resampling.

    Returns:
        The estimate; of fewer than ten people without an interval.
    """
    value, number = intraclass_correlation(scores), len(scores)
    drawn = np.random.default_rng(seed).integers(0, number, (n_boot, number))
    estimate = percentile_estimate(value, _correlations(scores[drawn]), number)
    return estimate.without_interval(too_few([("", number)]))


def _correlations(scores: np.ndarray) -> np.ndarray:
    """ICC(2,1) of each array (N, M) of (R, N, M), from the mean squares of people, of measurements and of the rest."""
    people, times = scores.shape[1:]
    middle = scores.mean(axis=(1, 2), keepdims=True)
    of_people, of_times = (scores.mean(axis=axis, keepdims=True) - middle for axis in (2, 1))
    rest = scores - middle - of_people - of_times
    between = times * (of_people**2).sum(axis=(1, 2)) / (people - 1)
    drift = people * (of_times**2).sum(axis=(1, 2)) / (times - 1)
    error = (rest**2).sum(axis=(1, 2)) / ((people - 1) * (times - 1))
    total = between + (times - 1) * error + times * (drift - error) / people
    return np.divide(between - error, total, out=np.full(len(scores), np.nan), where=total > 0)
