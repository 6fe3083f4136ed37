"""The numbers of a report, with all their digits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

import admoe_monai
from admoe_monai.data import Datalist
from admoe_monai.data.visits import SPLITS, person_of
from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.evaluation.calibration import calibration_figures
from admoe_monai.evaluation.comparison import compare_predictions
from admoe_monai.evaluation.decision_curve import decision_curves
from admoe_monai.evaluation.evaluate import labelled_visits
from admoe_monai.evaluation.failures import common_to_wrong, worst_cases
from admoe_monai.evaluation.groups import evaluate_groups
from admoe_monai.evaluation.recalibration import calibration_lines
from admoe_monai.evaluation.reliability import reliability_bins
from admoe_monai.evaluation.roc import roc_curves

from ..experts import gate_weights, recall_without
from ..prediction import TrainedRun
from ..remarks import remarks_of
from .baselines import baseline_tables
from .prediction_sets import at_temperatures, set_numbers
from .robustness import stress_of

UNKNOWN = "unknown"
#: What names single people: it is shown on the page, and not written into the file of numbers.
OF_SINGLE_PEOPLE = ("worst_cases",)


def collect_numbers(run: TrainedRun, cohort: Datalist, device: str | None) -> dict[str, Any]:
    """Measure everything that a report tells of the test split.

    Args:
        run: Finished run.
        cohort: Cohort of the run.
        device: Device to run on; None takes the GPU if there is one.

    Returns:
        Plain values, ready for JSON. Classes stand in the order of the setting ``classes`` everywhere.
    """
    table, gates, groups = gate_weights(run, cohort, "test", device)
    baselines = baseline_tables(run, cohort, table.classes, device)
    calibrated = at_temperatures(run, table)
    labelled = [task for task in table.classes if len(labelled_visits(table, task, False))]
    return {
        "run": run.folder.name,
        "version": admoe_monai.__version__,
        "written": datetime.now().astimezone().isoformat(timespec="seconds"),
        "cohort": cohort.name,
        "simulated": cohort.simulated,
        "epoch": run.checkpoint["epoch"],
        "leakage": run.checkpoint.get("leakage", []),
        "remarks": remarks_of(run, cohort),
        "visits": _visit_counts(cohort),
        "test": evaluate_predictions(table, table.classes),
        "yardsticks": {
            name: {task: evaluate_predictions(t, {task: table.classes[task]})[task] for task, t in tables.items()}
            for name, tables in baselines.items()
        },
        "network_minus": {name: _differences(table, tables) for name, tables in baselines.items()},
        "groups": evaluate_groups(table, n_boot=1000),
        "wrong": common_to_wrong(table),
        "worst_cases": worst_cases(table).to_dict("records"),
        "stress": stress_of(run),
        "roc": {task: roc_curves(*_labelled(table, task, True), table.classes[task]) for task in labelled},
        "calibration": {task: calibration_figures(*_labelled(table, task, False)) for task in labelled},
        "calibration_lines": {
            task: calibration_lines(*_labelled(table, task, True), table.classes[task]) for task in labelled
        },
        "reliability": {task: reliability_bins(*_labelled(table, task, False)) for task in labelled},
        "prediction_sets": set_numbers(run, calibrated) if calibrated else {},
        "decision": {
            task: decision_curves(*_labelled(calibrated or table, task, True), table.classes[task]) for task in labelled
        },
        "decision_calibrated": calibrated is not None,
        "gate_weights": gates,
        "gate_weights_of": list(groups),
        "recall_without_expert": recall_without(run, cohort, "test", device, table) if gates else {},
    }


def _differences(table: PredictionTable, others: Mapping[str, PredictionTable]) -> dict[str, dict[str, Any]]:
    """Compare the network with a baseline on the same visits, which two intervals beside each other don't."""
    found = {}
    for task, other in others.items():
        try:
            found[task] = compare_predictions(table, other, task)
        except UserError:  # no labelled visit
            continue
    return found


def _labelled(table: PredictionTable, task: str, first_visits: bool) -> tuple[np.ndarray, np.ndarray]:
    rows = labelled_visits(table, task, first_visits)
    return table.probabilities(task)[rows], table.labels(task)[rows]


def _visit_counts(cohort: Datalist) -> dict[str, dict[str, Any]]:
    return {split: _counts_of(cohort, split) for split in SPLITS}


def _counts_of(cohort: Datalist, split: str) -> dict[str, Any]:
    visits = cohort.splits[split]
    counts: dict[str, Any] = {"subjects": len({*map(person_of, visits)}), "visits": len(visits)}
    for task, names in cohort.classes.items():
        found = Counter(visit.get(task) or UNKNOWN for visit in visits)
        counts[task] = {name: found[name] for name in (*names, UNKNOWN) if found[name]}
    return counts
