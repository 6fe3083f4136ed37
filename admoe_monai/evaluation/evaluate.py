"""Subject-level figures of a prediction table, each with an interval and its number of subjects.

Axis letters: N visits, K classes of a task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from admoe_monai.evaluation.behind import MEANS, Ground, grounds
from admoe_monai.evaluation.bootstrap import LEVEL, Estimate, bootstrap
from admoe_monai.evaluation.metrics import classification_statistics
from admoe_monai.evaluation.predictions import PredictionTable
from admoe_monai.evaluation.shares import share_estimates
from admoe_monai.people import FEWEST_PEOPLE

METHOD = "percentile bootstrap over subjects, widened for few (shares of people counted once: Wilson)"


def evaluate_predictions(
    table: PredictionTable | pd.DataFrame,
    classes: Mapping[str, Sequence[str]],
    n_boot: int = 2000,
    seed: int = 0,
    one_visit_per_subject: bool = True,
    pairs: Mapping[str, Sequence[tuple[str, str]]] | None = None,
    fewest: int = FEWEST_PEOPLE,
) -> dict[str, dict[str, Any]]:
    """Evaluate every task of a prediction table.

    Args:
        table: Predictions with the true labels.
        classes: Class names of each task.
        n_boot: Number of resamples of subjects behind each interval; 0 gives no intervals.
        seed: Seed of the resampling.
        one_visit_per_subject: Whether to use only the first labelled visit of each subject (by days, then session);
            otherwise all labelled visits, whose dependence the resampling of whole subjects respects.
        pairs: Pairs (negative, positive) of classes for two-class AUCs, per task; all pairs by default.
        fewest: Number of people of a class below which what rests on it gets no interval.

    Returns:
        Per task plain values, ready for JSON: ``visits_used``, ``n_subjects``, ``n_visits``, ``n_without_prediction``
        (labelled visits without probabilities, left out), ``class_counts`` (subjects and visits per true class),
        ``confusion`` (rows: true class), ``interval`` (method, level, n_boot, seed) and ``metrics``: per name the
        fields of ``Estimate`` and, where guessing has a value, ``chance``. Undefined figures are None with a ``note``,
        never NaN.

    Raises:
        UserError: When the table is not valid for these classes.
        ValueError: When a pair names an unknown class.
    """
    if not isinstance(table, PredictionTable) or {k: list(v) for k, v in table.classes.items()} != {
        k: list(v) for k, v in classes.items()
    }:
        table = PredictionTable(table.frame if isinstance(table, PredictionTable) else table, classes)
    return {
        task: _evaluate_task(
            table,
            task,
            n_boot=n_boot,
            seed=seed,
            one_visit_per_subject=one_visit_per_subject,
            pairs=list(combinations(names, 2)) if pairs is None or task not in pairs else pairs[task],
            fewest=fewest,
        )
        for task, names in classes.items()
    }


def labelled_visits(table: PredictionTable, task: str, one_visit_per_subject: bool) -> np.ndarray:
    """Find the rows of a table that have a label and a prediction.

    Args:
        table: Predictions with the true labels.
        task: Name of the task that the label belongs to.
        one_visit_per_subject: Whether to keep only the first such visit of each subject (by days, then session).

    Returns:
        Row numbers in the order of person, days and session.
    """
    usable = (table.labels(task) >= 0) & ~np.isnan(table.probabilities(task)).any(axis=1)
    rows = table.frame[usable].sort_values(["person_id", "days_from_baseline", "session_id"], kind="stable")
    if one_visit_per_subject:
        rows = rows.drop_duplicates("person_id")
    return rows.index.to_numpy()


def _evaluate_task(
    table: PredictionTable,
    task: str,
    *,
    n_boot: int,
    seed: int,
    one_visit_per_subject: bool,
    pairs: Sequence[tuple[str, str]],
    fewest: int,
) -> dict[str, Any]:
    names = list(table.classes[task])
    for name in {name for pair in pairs for name in pair} - set(names):
        raise ValueError(f"pairs of {task!r}: {name!r} is not one of {', '.join(names)}.")
    unpredicted = (table.labels(task) >= 0) & np.isnan(table.probabilities(task)).any(axis=1)
    rows = labelled_visits(table, task, one_visit_per_subject)
    truth, probabilities = table.labels(task)[rows], table.probabilities(task)[rows]
    subjects = table.people(rows)
    counts = {
        name: {"subjects": len(set(subjects[truth == k])), "visits": int((truth == k).sum())}
        for k, name in enumerate(names)
    }
    statistics = classification_statistics(truth, probabilities, names, pairs)
    people_of = {name: counts[name]["subjects"] for name in names}
    behind = grounds(names, people_of, len(set(subjects)), pairs, fewest)
    estimates = bootstrap(
        statistics, list(subjects), n_boot, seed, {name: ground.people for name, ground in behind.items()}
    )
    predicted = probabilities.argmax(axis=1) if len(rows) else truth
    if n_boot and len(set(subjects)) == len(rows):
        estimates |= share_estimates(truth, predicted, names)
    chance = chance_levels({name: count["visits"] for name, count in counts.items()})
    metrics = {
        name: _explain(estimate, name, behind[name], people_of).as_dict()
        | ({"chance": chance[name]} if name in chance else {})
        for name, estimate in estimates.items()
    }
    confusion = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(confusion, (truth, predicted), 1)
    return {
        "classes": names,
        "visits_used": "first labelled visit of each subject" if one_visit_per_subject else "all labelled visits",
        "n_subjects": len(set(subjects)),
        "n_visits": len(rows),
        "n_without_prediction": int(unpredicted.sum()),
        "class_counts": counts,
        "confusion": confusion.tolist(),
        "interval": {"method": METHOD, "level": LEVEL, "n_boot": n_boot, "seed": seed},
        "metrics": metrics,
    }


def chance_levels(counts: Mapping[str, int]) -> dict[str, float]:
    """Tell what guessing reaches, of each figure of which that is known beforehand.

    Args:
        counts: Visits, or people, of each class.
    """
    present, number = [name for name, count in counts.items() if count], max(sum(counts.values()), 1)
    return {
        "balanced_accuracy": 1 / max(len(present), 1),
        "macro_auc": 0.5,
        "mcc": 0.0,
        **{f"auc_{a}_vs_{b}": 0.5 for a in counts for b in counts},
        **{f"auc_of_{name}": 0.5 for name in counts},
        **{f"average_precision_{name}": count / number for name, count in counts.items()},
    }


def _explain(estimate: Estimate, name: str, ground: Ground, counts: Mapping[str, int]) -> Estimate:
    """Say which class is why a figure or its interval is withheld, or which one a mean leaves out."""
    occurring = [label for label, subjects in counts.items() if subjects]
    missing = [label for label in ground.classes if label not in occurring]
    if not occurring:
        return Estimate(None, note="no labelled visit with a prediction")
    if missing:
        return Estimate(None, note=f"no subject labelled {' or '.join(missing)}")
    if len(occurring) == 1 and name.startswith(("macro_auc", "auc_of", "average_precision")):
        return Estimate(None, note=f"only {occurring[0]} occurs")
    estimate = estimate.without_interval(ground.few)
    absent = [label for label in counts if label not in occurring]
    if name in MEANS and absent:
        note = f"over {', '.join(ground.classes)}; no subject labelled {' or '.join(absent)}"
        estimate = replace(estimate, note=f"{note}; {estimate.note}" if estimate.note else note)
    return estimate
