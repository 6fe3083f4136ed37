"""Weighted metrics of classification, for many weightings of the same visits at once.

A bootstrap resample is a set of weights: how often each visit was drawn. Every function takes weights (R, N) and
returns one value per row, NaN where a row lacks a class that the metric needs.

Axis letters: R resamples, N visits, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Statistics = Callable[[np.ndarray], dict[str, np.ndarray]]


def weighted_confusion(weights: np.ndarray, truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Compute the weights of each true class (rows) called each class (columns).

    Args:
        weights: Array (R, N), not negative.
        truth: Class indices (N,).
        predicted: Class indices (N,).
        classes: Number of classes K.

    Returns:
        (R, K, K).
    """
    cells = (truth * classes + predicted)[:, None] == np.arange(classes * classes)
    confusion: np.ndarray = (weights @ cells.astype(float)).reshape(len(weights), classes, classes)
    return confusion


def recalls(confusion: np.ndarray) -> np.ndarray:
    """Compute how many of a class are called it: (R, K, K) to (R, K), NaN where a class has no weight."""
    return _ratio(np.diagonal(confusion, axis1=1, axis2=2), confusion.sum(axis=2))


def specificities(confusion: np.ndarray) -> np.ndarray:
    """Compute how many of the other classes are not called a class: (R, K, K) to (R, K), NaN without others."""
    called, own = confusion.sum(axis=1), confusion.sum(axis=2)
    hits, total = np.diagonal(confusion, axis1=1, axis2=2), confusion.sum(axis=(1, 2))[:, None]
    return _ratio(total - own - called + hits, total - own)


def f1_scores(confusion: np.ndarray) -> np.ndarray:
    """Compute the harmonic mean of precision and recall: (R, K, K) to (R, K), NaN for what is neither there nor called."""
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    return _ratio(2 * hits, confusion.sum(axis=1) + confusion.sum(axis=2))


def matthews(confusion: np.ndarray) -> np.ndarray:
    """Compute Matthews' correlation of any number of classes (Gorodkin 2004, doi 10.1016/j.compbiolchem.2004.09.006).

    Args:
        confusion: Array (R, K, K).

    Returns:
        (R,), 0 where all is one class or called one, as in scikit-learn; NaN without any weight.
    """
    called, own, total = confusion.sum(axis=1), confusion.sum(axis=2), confusion.sum(axis=(1, 2))
    covariance = np.trace(confusion, axis1=1, axis2=2) * total - (called * own).sum(axis=1)
    spread = (total**2 - (called**2).sum(axis=1)) * (total**2 - (own**2).sum(axis=1))
    return np.where(total > 0, np.nan_to_num(_ratio(covariance, np.sqrt(np.maximum(spread, 0)))), np.nan)


def weighted_auc(weights: np.ndarray, positive: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Compute the area under the ROC curve: the probability that a positive scores above a negative, ties counting half.

    Args:
        weights: Array (R, N), not negative.
        positive: Boolean array (N,).
        score: Array (N,), higher for positives.

    Returns:
        (R,), NaN where one side has no weight.
    """
    if len(score) == 0:
        return np.full(len(weights), np.nan)
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) > 0])
    sorted_weights = weights[:, order]
    upper = np.add.reduceat(sorted_weights * positive[order], starts, axis=1)
    lower = np.add.reduceat(sorted_weights * ~positive[order], starts, axis=1)
    below = np.cumsum(lower, axis=1) - 0.5 * lower
    return _ratio((upper * below).sum(axis=1), upper.sum(axis=1) * lower.sum(axis=1))


def weighted_average_precision(weights: np.ndarray, positive: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Compute the average precision: the area under the steps of the precision-recall curve, without interpolation.

    Args:
        weights: Array (R, N), not negative.
        positive: Boolean array (N,).
        score: Array (N,), higher for positives; who ties enters together.

    Returns:
        (R,), NaN where no positive has a weight.
    """
    if len(score) == 0:
        return np.full(len(weights), np.nan)
    order = np.argsort(-score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) < 0])
    taken = np.add.reduceat(weights[:, order], starts, axis=1)
    right = np.add.reduceat(weights[:, order] * positive[order], starts, axis=1)
    precision = np.nan_to_num(_ratio(right.cumsum(axis=1), taken.cumsum(axis=1)))
    return _ratio((precision * right).sum(axis=1), right.sum(axis=1))


def classification_statistics(
    truth: np.ndarray, probabilities: np.ndarray, classes: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> Statistics:
    """Bind labels and probabilities to a function from weights to all metrics of a task.

    The macro figures are means over the classes that occur in ``truth``, always the same ones; one against rest for the
    AUC. The predicted class is the most probable one, the first of several.

    Args:
        truth: Class indices (N,).
        probabilities: Array (N, K), each row summing to 1.
        classes: Names of the K classes.
        pairs: Pairs (negative, positive) of classes; among visits of these two, the score is
            ``p_positive / (p_negative + p_positive)``.

    Returns:
        A function from weights (R, N) to the values (R,) of ``balanced_accuracy``, ``macro_auc``, ``accuracy``,
        ``macro_f1``, ``mcc`` (Matthews' correlation), ``brier`` (squared distance from the truth, summed over classes),
        ``auc_<negative>_vs_<positive>``, and for each class ``recall_``, ``specificity_``, ``auc_of_`` and
        ``average_precision_<class>``, the latter two against all others.
    """
    predicted = probabilities.argmax(axis=1) if len(probabilities) else truth
    present = np.isin(np.arange(len(classes)), truth)
    index = {name: position for position, name in enumerate(classes)}
    distances = ((probabilities - np.eye(len(classes))[truth]) ** 2).sum(axis=1)

    def statistics(weights: np.ndarray) -> dict[str, np.ndarray]:
        rows, total = len(weights), weights.sum(axis=1)
        confusion = weighted_confusion(weights, truth, predicted, len(classes))
        found = {"recall": recalls(confusion), "specificity": specificities(confusion)}
        against_rest = [weighted_auc(weights, truth == k, probabilities[:, k]) for k in index.values()]
        values = {
            "balanced_accuracy": _mean(list(found["recall"].T[present]), rows),
            "macro_auc": _mean([auc for auc, there in zip(against_rest, present, strict=True) if there], rows),
            "accuracy": _ratio(np.trace(confusion, axis1=1, axis2=2), total),
            "macro_f1": _mean(list(f1_scores(confusion).T[present]), rows),
            "mcc": matthews(confusion),
            "brier": _ratio(weights @ distances, total),
        }
        for negative, positive in pairs:
            values[f"auc_{negative}_vs_{positive}"] = _pair_auc(
                weights, truth, probabilities, index[negative], index[positive]
            )
        values |= {f"{name}_{label}": shares[:, k] for name, shares in found.items() for label, k in index.items()}
        values |= {f"auc_of_{label}": against_rest[k] for label, k in index.items()}
        return values | {
            f"average_precision_{label}": weighted_average_precision(weights, truth == k, probabilities[:, k])
            for label, k in index.items()
        }

    return statistics


def _pair_auc(weights: np.ndarray, truth: np.ndarray, probabilities: np.ndarray, low: int, high: int) -> np.ndarray:
    rows = np.isin(truth, (low, high))
    total = probabilities[rows][:, [low, high]].sum(axis=1)
    score = np.divide(probabilities[rows, high], total, out=np.full(len(total), 0.5), where=total > 0)
    return weighted_auc(weights[:, rows], truth[rows] == high, score)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)


def _mean(values: list[np.ndarray], rows: int) -> np.ndarray:
    return np.mean(values, axis=0) if values else np.full(rows, np.nan)
