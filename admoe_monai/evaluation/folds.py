"""Figures of a cross-validation: made within each fold, then averaged.

The scores of different networks have no common scale, so they are never put in one order: an AUC over the scores of all folds
together is biased (Forman, G. and Scholz, M., "Apples-to-apples in cross-validation studies", SIGKDD Explor. 12 (2010)).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from admoe_monai.errors import UserError
from admoe_monai.evaluation.behind import Ground, grounds
from admoe_monai.evaluation.bootstrap import LEVEL, percentile_estimate, subject_resamples
from admoe_monai.evaluation.evaluate import evaluate_predictions, labelled_visits
from admoe_monai.evaluation.metrics import classification_statistics
from admoe_monai.evaluation.predictions import PredictionTable


def evaluate_folds(
    folds: Mapping[str, PredictionTable], n_boot: int = 2000, seed: int = 0, one_visit_per_subject: bool = True
) -> dict[str, dict[str, Any]]:
    """Average every figure over folds, each of which has tested other subjects.

    A figure that is undefined in a fold for want of a class (as is a mean over classes where it lacks one that another fold
    has) is averaged over the other folds, and `n_folds` says over how many. The interval comes from drawing subjects within
    each fold; it holds for these networks, and how much training them anew would change is seen in the spread alone.

    Args:
        folds: Predictions of each fold, of the same classes, by the name that messages give it.
        n_boot: Number of resamples of subjects behind each interval.
        seed: Seed of the resampling.
        one_visit_per_subject: Whether to use only the first labelled visit of each subject.

    Returns:
        Per task plain values: ``n_subjects`` and ``n_visits`` in all, ``n_by_fold`` (subjects), ``interval`` (method, level,
        n_boot, seed) and ``metrics``: per name the fields of ``Estimate`` for the mean, ``spread`` (standard deviation over
        folds, None for fewer than two), ``n_folds`` and ``folds`` (value in each, None where undefined).

    Raises:
        UserError: When classes differ or a subject is tested in two folds.
    """
    _check(folds)
    tables = list(folds.values())
    classes = tables[0].classes
    alone = [evaluate_predictions(table, classes, 0, seed, one_visit_per_subject) for table in tables]
    found = {}
    for task in classes:
        figures = [fold[task] for fold in alone]
        draws = [_draws(table, task, n_boot, seed + k, one_visit_per_subject) for k, table in enumerate(tables)]
        sizes = [fold["n_subjects"] for fold in figures]
        names = list(classes[task])
        counts = {name: sum(fold["class_counts"][name]["subjects"] for fold in figures) for name in names}
        behind = grounds(names, counts, sum(sizes), list(combinations(names, 2)))
        present = [(fold, [name for name in names if fold["class_counts"][name]["subjects"]]) for fold in figures]
        found[task] = {
            "n_subjects": sum(sizes),
            "n_visits": sum(fold["n_visits"] for fold in figures),
            "n_by_fold": sizes,
            "interval": {
                "method": "percentile bootstrap over subjects within folds",
                "level": LEVEL,
                "n_boot": n_boot,
                "seed": seed,
            },
            "metrics": {
                name: _average(
                    [fold["metrics"][name]["value"] if behind[name].holds(own) else None for fold, own in present],
                    [drawn.get(name) for drawn in draws],
                    behind[name],
                )
                for name in figures[0]["metrics"]
            },
        }
    return found


def _check(folds: Mapping[str, PredictionTable]) -> None:
    if len(folds) < 2:
        raise UserError("folds are two or more tables of predictions")
    first, seen = next(iter(folds)), dict[str, str]()
    for name, table in folds.items():
        if _plain(table.classes) != _plain(folds[first].classes):
            raise UserError(f"{name} has other classes than {first}: {dict(table.classes)}")
        for subject in np.unique(table.people()):
            if subject in seen:
                raise UserError(
                    f"{seen[subject]} and {name} both test subject {subject}: they are no folds of a cohort"
                )
            seen[subject] = name


def _plain(classes: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {task: [*names] for task, names in classes.items()}


def _draws(table: PredictionTable, task: str, n_boot: int, seed: int, one_visit: bool) -> dict[str, np.ndarray]:
    """Resample the figures of a fold: per name an array (R,), NaN where undefined; empty for a fold without labels."""
    rows = labelled_visits(table, task, one_visit)
    names = list(table.classes[task])
    statistics = classification_statistics(
        table.labels(task)[rows], table.probabilities(task)[rows], names, list(combinations(names, 2))
    )
    subjects = list(table.people(rows))
    chunks = [statistics(weights) for weights in subject_resamples(subjects, n_boot, seed)]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]} if chunks else {}


def _average(values: Sequence[float | None], draws: Sequence[np.ndarray | None], ground: Ground) -> dict[str, Any]:
    used = [k for k, value in enumerate(values) if value is not None]
    defined = np.array([values[k] for k in used], dtype=float)
    mean = float(defined.mean()) if used else float("nan")
    resampled = [draw for k in used if (draw := draws[k]) is not None]
    averaged = np.mean(resampled, axis=0) if resampled else np.empty(0)
    estimate = percentile_estimate(mean, averaged, ground.people).without_interval(ground.few).as_dict()
    absent = [str(k + 1) for k, value in enumerate(values) if value is None]
    if absent and used:
        without = f"undefined in fold {', '.join(absent)}"
        estimate["note"] = f"{without}; {estimate['note']}" if estimate["note"] else without
    return {
        **estimate,
        "spread": float(defined.std(ddof=1)) if len(used) > 1 else None,
        "n_folds": len(used),
        "folds": list(values),
    }
