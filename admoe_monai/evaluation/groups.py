"""Figures per group of people: a model that is good on average may be good for some alone.

Axis letters: R resamples, N visits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from admoe_monai.evaluation.behind import grounds
from admoe_monai.evaluation.bootstrap import Estimate, bootstrap
from admoe_monai.evaluation.evaluate import evaluate_predictions, labelled_visits
from admoe_monai.evaluation.metrics import recalls, weighted_confusion
from admoe_monai.evaluation.predictions import PredictionTable

#: Columns of visits by which figures are given.
GROUPS = ("sex", "age_band", "site", "scanner", "field_strength", "cohort", "visit")
BAND_YEARS = 10
#: A group of fewer people says nothing.
FEWEST_SUBJECTS = 5
#: The figure by which a group is held against the others.
PRIMARY = "balanced_accuracy"


def evaluate_groups(
    table: PredictionTable, n_boot: int = 2000, seed: int = 0, one_visit_per_subject: bool = True
) -> dict[str, dict[str, dict[str, Any]]]:
    """Evaluate the visits of each sex, age band, site, scanner, field strength, cohort and class of another task alone.

    Args:
        table: Predictions with these columns, as far as they are known.
        n_boot: Number of resamples of subjects, as in :func:`evaluate_predictions`.
        seed: Seed of the resampling.
        one_visit_per_subject: Whether to use only the first labelled visit of each subject within a group.

    Returns:
        Per grouping and group the result of :func:`evaluate_predictions`, whose intervals show how little a small group
        tells, and in each task's ``minus_others`` the fields of ``Estimate`` for its balanced accuracy minus that of all other
        visits whose group is known. Groupings with fewer than two groups of five people are left out.
    """
    frame = with_groups(table.frame)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    # One task's classes are groups of the others: conversion from CN and from MCI are different questions.
    for column in dict.fromkeys((*GROUPS, *table.classes)):
        classes = {task: names for task, names in table.classes.items() if task != column}
        if column not in frame or not classes:
            continue
        values = frame[column].astype("string")
        values = values.mask(values == "")
        sizes = frame.groupby(values)["person_id"].nunique()
        names = [str(name) for name in sizes.index[sizes >= FEWEST_SUBJECTS]]
        if len(names) > 1:
            found[column] = {
                name: _evaluate_group(table.frame, classes, values == name, n_boot, seed, one_visit_per_subject)
                for name in names
            }
    return found


def with_groups(frame: pd.DataFrame) -> pd.DataFrame:
    """Add ``age_band``, such as ``70 to 79``, where ages are known, and ``visit``, which is ``first`` or ``later``.

    Args:
        frame: Visits of a prediction table, with ``age`` in years where it is known.
    """
    order = frame.sort_values(["person_id", "days_from_baseline", "session_id"], kind="stable")
    first = order.drop_duplicates("person_id").index
    frame = frame.assign(visit=np.where(frame.index.isin(first), "first", "later"))
    if "age" not in frame:
        return frame
    ages = pd.to_numeric(frame["age"], errors="coerce")
    low = (np.floor(ages / BAND_YEARS) * BAND_YEARS).astype("Int64")
    band = low.astype("string") + " to " + (low + BAND_YEARS - 1).astype("string")
    return frame.assign(age_band=band)


def differences_in(groups: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> int:
    """Count the differences that have an interval: of many, some exclude zero by chance alone.

    Args:
        groups: Result of :func:`evaluate_groups`.
    """
    return sum(
        figures["minus_others"]["low"] is not None
        for grouped in groups.values()
        for tasks in grouped.values()
        for figures in tasks.values()
    )


def _evaluate_group(
    frame: pd.DataFrame,
    classes: Mapping[str, Sequence[str]],
    inside: pd.Series,
    n_boot: int,
    seed: int,
    one_visit: bool,
) -> dict[str, Any]:
    own = PredictionTable(frame[inside.fillna(False)], classes)
    others = PredictionTable(frame[(~inside).fillna(False)], classes)
    evaluated = evaluate_predictions(own, classes, n_boot=n_boot, seed=seed, one_visit_per_subject=one_visit)
    for task, figures in evaluated.items():
        figures["minus_others"] = _minus(own, others, task, n_boot, seed, one_visit).as_dict()
    return evaluated


def _minus(
    own: PredictionTable, others: PredictionTable, task: str, n_boot: int, seed: int, one_visit: bool
) -> Estimate:
    """Estimate the difference; whoever has visits on both sides is drawn for both."""
    names = list(own.classes[task])
    sides = [(table, labelled_visits(table, task, one_visit)) for table in (own, others)]
    truths = [table.labels(task)[rows] for table, rows in sides]
    present = [{names[k] for k in np.unique(truth)} for truth in truths]
    if not all(present):
        return Estimate(None, note="no labelled visit on one side")
    if present[0] != present[1]:
        lacking = sorted(present[0] ^ present[1], key=names.index)
        return Estimate(None, note=f"{' and '.join(lacking)} on one side alone")
    subjects = [table.people(rows) for table, rows in sides]
    called = [table.probabilities(task)[rows].argmax(axis=1) for table, rows in sides]
    occurring, cut = np.unique(truths[0]), len(truths[0])

    def difference(weights: np.ndarray) -> dict[str, np.ndarray]:
        halves = (weights[:, :cut], weights[:, cut:])
        confusions = (weighted_confusion(*side, len(names)) for side in zip(halves, truths, called, strict=True))
        first, second = (recalls(confusion)[:, occurring].mean(axis=1) for confusion in confusions)
        return {PRIMARY: first - second}

    behind = [
        grounds(names, {name: len(set(own[truth == k])) for k, name in enumerate(names)}, len(set(own)), [])[PRIMARY]
        for truth, own in zip(truths, subjects, strict=True)
    ]
    fewest = min(ground.people for ground in behind)
    estimate = bootstrap(difference, list(np.concatenate(subjects)), n_boot, seed, {PRIMARY: fewest})[PRIMARY]
    return estimate.without_interval(next((ground.few for ground in behind if ground.few), None))
