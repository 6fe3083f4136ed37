"""Weighted metrics of classification, for many weightings of the same visits at once.

A bootstrap resample is a set of weights: how often each visit was drawn. Every function takes weights (R, N) and
returns one value per row, NaN where a row lacks a class that the metric needs.

Axis letters: R resamples, N visits, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Statistics = Callable[[np.ndarray], dict[str, np.ndarray]]


def weighted_recalls(weights: np.ndarray, truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Compute the recall of each class.

    Args:
        weights: Array (R, N), not negative.
        truth: Class indices (N,).
        predicted: Class indices (N,).
        classes: Number of classes K.

    Returns:
        (R, K), NaN where a class has no weight.
    """
    members = truth[:, None] == np.arange(classes)
    return _ratio(weights @ (members & (predicted == truth)[:, None]).astype(float), weights @ members.astype(float))


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
        A function from weights (R, N) to the values (R,) of ``accuracy``, ``balanced_accuracy``, ``macro_auc``,
        ``auc_<negative>_vs_<positive>`` and ``recall_<class>``.
    """
    predicted = probabilities.argmax(axis=1)
    present = np.isin(np.arange(len(classes)), truth)
    index = {name: position for position, name in enumerate(classes)}

    def statistics(weights: np.ndarray) -> dict[str, np.ndarray]:
        recalls = weighted_recalls(weights, truth, predicted, len(classes))
        values = {"accuracy": _ratio(weights @ (predicted == truth).astype(float), weights.sum(axis=1))}
        one_vs_rest = [weighted_auc(weights, truth == k, probabilities[:, k]) for k in np.flatnonzero(present)]
        values["balanced_accuracy"] = _mean(list(recalls.T[present]), len(weights))
        values["macro_auc"] = _mean(one_vs_rest, len(weights))
        for negative, positive in pairs:
            low, high = index[negative], index[positive]
            rows = np.isin(truth, (low, high))
            total = probabilities[rows][:, [low, high]].sum(axis=1)
            score = np.divide(probabilities[rows, high], total, out=np.full(len(total), 0.5), where=total > 0)
            values[f"auc_{negative}_vs_{positive}"] = weighted_auc(weights[:, rows], truth[rows] == high, score)
        return values | {f"recall_{name}": recalls[:, k] for name, k in index.items()}

    return statistics


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)


def _mean(values: list[np.ndarray], rows: int) -> np.ndarray:
    return np.mean(values, axis=0) if values else np.full(rows, np.nan)
