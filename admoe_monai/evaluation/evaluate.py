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

from admoe_monai.evaluation.bootstrap import LEVEL, Estimate, bootstrap
from admoe_monai.evaluation.metrics import classification_statistics
from admoe_monai.evaluation.predictions import PredictionTable


def evaluate_predictions(
    table: PredictionTable | pd.DataFrame,
    classes: Mapping[str, Sequence[str]],
    n_boot: int = 2000,
    seed: int = 0,
    one_visit_per_subject: bool = True,
    pairs: Mapping[str, Sequence[tuple[str, str]]] | None = None,
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

    Returns:
        Per task plain values, ready for JSON: ``visits_used``, ``n_subjects``, ``n_visits``, ``n_without_prediction``
        (labelled visits without probabilities, left out), ``class_counts`` (subjects and visits per true class),
        ``confusion`` (rows: true class), ``interval`` (method, level, n_boot, seed) and ``metrics``: per name the
        fields of ``Estimate`` and, for balanced accuracy and AUCs, ``chance``. Undefined figures are None with
        a ``note``, never NaN.

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
        Row numbers in the order of subject, days and session.
    """
    usable = (table.labels(task) >= 0) & ~np.isnan(table.probabilities(task)).any(axis=1)
    rows = table.frame[usable].sort_values(["subject_id", "days_from_baseline", "session_id"], kind="stable")
    if one_visit_per_subject:
        rows = rows.drop_duplicates("subject_id")
    return rows.index.to_numpy()


def _evaluate_task(
    table: PredictionTable,
    task: str,
    *,
    n_boot: int,
    seed: int,
    one_visit_per_subject: bool,
    pairs: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    names = list(table.classes[task])
    for name in {name for pair in pairs for name in pair} - set(names):
        raise ValueError(f"pairs of {task!r}: {name!r} is not one of {', '.join(names)}.")
    unpredicted = (table.labels(task) >= 0) & np.isnan(table.probabilities(task)).any(axis=1)
    rows = labelled_visits(table, task, one_visit_per_subject)
    truth, probabilities = table.labels(task)[rows], table.probabilities(task)[rows]
    subjects = table.frame["subject_id"].to_numpy(str)[rows]
    counts = {
        name: {"subjects": len(set(subjects[truth == k])), "visits": int((truth == k).sum())}
        for k, name in enumerate(names)
    }
    statistics = classification_statistics(truth, probabilities, names, pairs)
    estimates = bootstrap(statistics, list(subjects), n_boot, seed)
    needed = {f"auc_{a}_vs_{b}": [a, b] for a, b in pairs} | {f"recall_{name}": [name] for name in names}
    present = [name for name in names if counts[name]["visits"]]
    needed |= {"accuracy": [], "balanced_accuracy": present, "macro_auc": present}
    metrics = {}
    for name, estimate in estimates.items():
        metrics[name] = _explain(estimate, name, needed[name], counts).as_dict()
        if name.startswith(("balanced", "macro", "auc")):
            metrics[name]["chance"] = 0.5 if "auc" in name else 1 / max(len(present), 1)
    predicted = probabilities.argmax(axis=1) if len(rows) else truth
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
        "interval": {"method": "percentile bootstrap over subjects", "level": LEVEL, "n_boot": n_boot, "seed": seed},
        "metrics": metrics,
    }


def _explain(estimate: Estimate, name: str, needed: list[str], counts: Mapping[str, Mapping[str, int]]) -> Estimate:
    """Say which class is why a figure or its interval is withheld, or which one a mean leaves out."""
    absent = [label for label, count in counts.items() if count["subjects"] == 0]
    missing = [label for label in needed if label in absent]
    if len(absent) == len(counts):
        return Estimate(None, note="no labelled visit with a prediction")
    if missing:
        return Estimate(None, note=f"no subject labelled {' or '.join(missing)}")
    if name == "macro_auc" and len(needed) < 2:
        return Estimate(None, note=f"only {needed[0]} occurs")
    single = [label for label in needed if counts[label]["subjects"] == 1]
    if single:
        reason = f"no interval: 1 subject labelled {' and '.join(single)}"
        estimate = replace(estimate, low=None, high=None, note=reason)
    if name in ("balanced_accuracy", "macro_auc") and absent:
        note = f"over {', '.join(needed)}; no subject labelled {' or '.join(absent)}"
        estimate = replace(estimate, note=f"{note}; {estimate.note}" if estimate.note else note)
    return estimate
