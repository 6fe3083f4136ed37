"""Prediction sets: all classes that can't be ruled out, so that of each class a promised share of people has it in the set.

Split conformal prediction within each class (Mondrian: Vovk et al., "Algorithmic Learning in a Random World", 2005) with the
sets of least average size (Sadinle et al., J. Am. Stat. Assoc. 114 (2019), arXiv:1609.00451): a class is in the set where its
probability is at least that of all but the promised share of people of this class. If these and new people are exchangeable,
the share lies between what is promised and 1 / (n + 1) more, with n people of the class behind its threshold.

Axis letters: N visits, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from admoe_monai.errors import UserError
from admoe_monai.evaluation.behind import too_few
from admoe_monai.evaluation.bootstrap import Estimate, bootstrap
from admoe_monai.evaluation.evaluate import labelled_visits
from admoe_monai.evaluation.predictions import PredictionTable
from admoe_monai.evaluation.shares import share_estimate
from admoe_monai.people import people

#: Share of the people of each class whose set holds it.
PROMISED = 0.9
#: Between the classes of a set in one cell of a table.
MARK = "|"
#: Products such as 10 * 0.9 miss whole numbers by less.
ROUNDING = 1e-9


def fit_sets(table: PredictionTable, promised: float = PROMISED) -> dict[str, dict[str, Any]]:
    """Fit the threshold of each class on people who neither trained the network nor will test it.

    Args:
        table: Predictions of the validation split; the first labelled visit of each person counts, for visits of one person
            are not exchangeable with those of others.
        promised: Share of the people of each class whose set holds it, between 0 and 1.

    Returns:
        Per task ``promised`` and ``classes``: of each class ``least_probability``, from which on it is in a set (0 where it
        has too few people, so that it is in every set), and ``n_subjects`` behind it.
    """
    fitted = {}
    for task, names in table.classes.items():
        rows = labelled_visits(table, task, one_visit_per_subject=True)
        truth, probabilities = table.labels(task)[rows], table.probabilities(task)[rows]
        classes = {}
        for place, name in enumerate(names):
            own = probabilities[truth == place, place]
            classes[name] = {"least_probability": least_probability(own, promised), "n_subjects": len(own)}
        fitted[task] = {"promised": promised, "classes": classes}
    return fitted


def least_probability(own: np.ndarray, promised: float) -> float:
    """Find the probability from which on a class is in a set: that of the ceil((N + 1) promised)-th surest person.

    Args:
        own: Probability (N,) of their own class for people of one class.
        promised: Share of people whose set shall hold the class.

    Returns:
        Probability; 0 where so few people can't promise that much.

    Raises:
        ValueError: If the share is not between 0 and 1.
    """
    if not 0 < promised < 1:
        raise ValueError(f"the promised share must be between 0 and 1, got {promised}")
    rank = math.ceil((len(own) + 1) * promised - ROUNDING)
    return float(np.sort(own)[::-1][rank - 1]) if rank <= len(own) else 0.0


def fewest_for(promised: float) -> int:
    """Tell how many people of a class its threshold takes.

    Args:
        promised: Share of people whose set shall hold the class.
    """
    return math.ceil(promised / (1 - promised) - ROUNDING)


def in_sets(probabilities: np.ndarray, fitted: Mapping[str, Any], names: Sequence[str]) -> np.ndarray:
    """Tell which classes are in the sets.

    Args:
        probabilities: Array (N, K); rows of NaN have no class in their set.
        fitted: Entry of the task in the result of :func:`fit_sets`.
        names: Names of the K classes.

    Returns:
        Booleans (N, K).
    """
    inside: np.ndarray = probabilities >= [fitted["classes"][name]["least_probability"] for name in names]
    return inside


def with_sets(table: PredictionTable, fitted: Mapping[str, Mapping[str, Any]]) -> PredictionTable:
    """Add a column ``<task>_set`` per task, with the classes of each visit's set joined by ``|``; empty for none.

    Args:
        table: Predictions.
        fitted: Result of :func:`fit_sets` for the same tasks.

    Raises:
        UserError: If the table has such a column already, as with tasks called ``a`` and ``a_set``.
    """
    columns = {}
    for task, names in table.classes.items():
        if (column := f"{task}_set") in table.frame:
            raise UserError(f"the prediction sets of {task} need the column {column}, which is something else here")
        inside = in_sets(table.probabilities(task), fitted[task], names)
        columns[column] = [MARK.join(np.asarray(names, dtype=object)[row]) for row in inside]
    return PredictionTable(table.frame.assign(**columns), table.classes)


def evaluate_sets(
    table: PredictionTable, fitted: Mapping[str, Mapping[str, Any]], n_boot: int = 2000, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """Measure how often sets hold the true class, and how much they leave open, at the first labelled visit of each person.

    Args:
        table: Predictions of people who did not fit the thresholds.
        fitted: Result of :func:`fit_sets` for the same tasks.
        n_boot: Number of resamples of people behind the interval of the mean size; those of shares are Wilson's.
        seed: Seed of the resampling.

    Returns:
        Per task ``promised``, ``n_subjects``, ``sizes`` (number of people whose set has 0, 1, … K classes), ``mean_size``
        (fields of ``Estimate``) and ``classes``: of each ``least_probability``, ``n_fitted`` (people behind it),
        ``n_subjects``, ``held`` (people whose set holds it) and ``coverage`` (fields of ``Estimate``).
    """
    return {task: _evaluate_task(table, task, fitted[task], n_boot, seed) for task in table.classes}


def _evaluate_task(
    table: PredictionTable, task: str, fitted: Mapping[str, Any], n_boot: int, seed: int
) -> dict[str, Any]:
    names, rows = list(table.classes[task]), labelled_visits(table, task, one_visit_per_subject=True)
    truth, inside = table.labels(task)[rows], in_sets(table.probabilities(task)[rows], fitted, names)
    sizes, held = inside.sum(axis=1), inside[np.arange(len(rows)), truth]
    counts = {name: int((truth == place).sum()) for place, name in enumerate(names)}

    def mean_size(weights: np.ndarray) -> dict[str, np.ndarray]:
        with np.errstate(invalid="ignore"):
            return {"mean_size": (weights @ sizes.astype(float)) / weights.sum(axis=1)}

    subjects = table.people(rows).tolist()
    size = bootstrap(mean_size, subjects, n_boot, seed)["mean_size"]
    return {
        "promised": fitted["promised"],
        "n_subjects": len(rows),
        "sizes": np.bincount(sizes, minlength=len(names) + 1).tolist(),
        "mean_size": size.without_interval(too_few([("", len(rows))])).as_dict(),
        "classes": {
            name: {
                "least_probability": fitted["classes"][name]["least_probability"],
                "n_fitted": fitted["classes"][name]["n_subjects"],
                "n_subjects": counts[name],
                "held": int(held[truth == place].sum()),
                "coverage": _coverage(held[truth == place], name).as_dict(),
            }
            for place, name in enumerate(names)
        },
    }


def _coverage(held: np.ndarray, name: str) -> Estimate:
    if not len(held):
        return Estimate(None, note=f"no subject labelled {name}")
    return share_estimate(held).without_interval(too_few([(f"labelled {name}", len(held))]))


def set_remarks(fitted: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say which classes have too few people for a threshold, in plain sentences; none where all have one.

    Args:
        fitted: Result of :func:`fit_sets`.
    """
    return [
        f"{name} of {task} is in every prediction set: {entry['promised']:.0%} of its people can't be promised by "
        f"{people(own['n_subjects'])} of the validation split ({fewest_for(entry['promised'])} or more are needed)"
        for task, entry in fitted.items()
        for name, own in entry["classes"].items()
        if own["n_subjects"] < fewest_for(entry["promised"])
    ]


def sizes_in_words(sizes: Sequence[int]) -> str:
    """Count sets by the number of their classes.

    Args:
        sizes: Number of sets with 0, 1, … classes.
    """
    none, one, *more = sizes
    several = [f"{number} classes in {count}" for number, count in enumerate(more, start=2)]
    return ", ".join([f"one class in {one}", *several, f"none in {none}"])
