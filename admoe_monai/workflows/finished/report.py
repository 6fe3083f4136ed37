"""Report on a finished run: one page, and one file of numbers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from admoe_monai.data import Datalist
from admoe_monai.data.visits import SPLITS
from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.evaluation.baselines import held_out_baseline
from admoe_monai.evaluation.calibration import calibration_figures
from admoe_monai.evaluation.groups import evaluate_groups
from admoe_monai.files import write_atomic
from admoe_monai.transforms import encode_prior, prior_features

from .experts import gate_weights, recall_without
from .prediction import TrainedRun, cohort_of, predict
from .report_sections import page_of

PAGE, NUMBERS = "report.html", "metrics.json"


def write_report(
    run_dir: Path, output: Path | None = None, device: str | None = None, dataset_dir: Path | None = None
) -> Path:
    """Evaluate the best model of a run on its test split and write the page and the numbers.

    Args:
        run_dir: Folder of a finished run.
        output: Folder to write to; the run's folder `report` by default.
        device: Device to run on, such as cuda or cpu; None takes the GPU if there is one.
        dataset_dir: Folder of the images, if they were moved.

    Returns:
        Path of the page.

    Raises:
        UserError: If the run has no finetuned model, or no test visits.
    """
    run = TrainedRun.load(run_dir)
    cohort = cohort_of(run, dataset_dir=dataset_dir)
    if not cohort.splits["test"]:
        raise UserError(f"{cohort.path} has no test visits to report on")
    table, gates, groups = gate_weights(run, cohort, "test", device)
    numbers: dict[str, Any] = {
        "run": run.folder.name,
        "cohort": cohort.name,
        "simulated": cohort.simulated,
        "epoch": run.checkpoint["epoch"],
        "leakage": run.checkpoint.get("leakage", []),
        "visits": _visit_counts(cohort),
        "test": evaluate_predictions(table, table.classes),
        "yardsticks": _yardsticks(run, cohort, table, device),
        "groups": evaluate_groups(table, n_boot=1000),
        "calibration": {
            task: calibration_figures(*_labelled(table, task))
            for task in table.classes
            if (table.labels(task) >= 0).any()
        },
        "gate_weights": gates,
        "gate_weights_of": list(groups),
        "recall_without_expert": recall_without(run, cohort, "test", device, table) if gates else {},
    }
    folder = output or run.folder / "report"
    folder.mkdir(parents=True, exist_ok=True)
    page = page_of(run, cohort, numbers)
    for name, content in ((NUMBERS, json.dumps(numbers, indent=1)), (PAGE, page)):
        write_atomic(folder / name, content)
    return folder / PAGE


def _labelled(table: PredictionTable, task: str) -> tuple[Any, Any]:
    usable = table.labels(task) >= 0
    return table.probabilities(task)[usable], table.labels(task)[usable]


def _visit_counts(cohort: Datalist) -> dict[str, dict[str, Any]]:
    return {
        split: {
            "subjects": len({visit["subject_id"] for visit in cohort.splits[split]}),
            "visits": len(cohort.splits[split]),
            **{task: dict(Counter(v[task] or "unknown" for v in cohort.splits[split])) for task in cohort.classes},
        }
        for split in SPLITS
    }


def _yardsticks(
    run: TrainedRun, cohort: Datalist, table: PredictionTable, device: str | None
) -> dict[str, dict[str, dict[str, Any]]]:
    """Evaluate the clinical values alone and the image alone, the baselines that give fused figures their meaning."""
    columns = run.checkpoint["prior"]
    if not columns:
        return {}
    found: dict[str, dict[str, dict[str, Any]]] = {}
    image_alone = predict(run, cohort, "test", device, with_prior=False)
    found["image alone (clinical values missing)"] = evaluate_predictions(image_alone, image_alone.classes)
    prior_alone: dict[str, dict[str, Any]] = {}
    for task in table.classes:
        tables = {split: _prior_table(cohort, split, columns, task) for split in ("training", "test")}
        try:
            predicted = held_out_baseline(
                tables["training"], tables["test"], prior_features(columns), table.classes[task], task
            )
        except UserError:  # a class without a training visit, or no labelled visit
            continue
        prior_alone |= evaluate_predictions(predicted, predicted.classes)
    if prior_alone:
        found["clinical values alone (logistic regression)"] = prior_alone
    return found


def _prior_table(cohort: Datalist, split: str, columns: Sequence[Mapping[str, Any]], task: str) -> pd.DataFrame:
    visits = cohort.splits[split]
    kept = ("image", "subject_id", "session_id", "days_from_baseline", task)
    table = pd.DataFrame([{name: visit.get(name) for name in kept} for visit in visits])
    encoded = [encode_prior(visit.get("prior") or {}, columns) for visit in visits]
    return table.join(pd.DataFrame(encoded, columns=prior_features(columns)))
