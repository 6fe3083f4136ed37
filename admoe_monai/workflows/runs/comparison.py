"""Comparison of runs: what was set, what code and data they saw, and how well each did."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from admoe_monai.checkpoints import PHASES
from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable
from admoe_monai.evaluation.comparison import compare_predictions
from admoe_monai.metrics_rows import best_score, lowest_loss, number_in, read_metrics
from admoe_monai.run_files import EVALUATION, FINAL_MODEL, METRICS, checkpoint_files
from admoe_monai.workflows.finished.evaluation import CLASSIFICATION, figures_file
from admoe_monai.workflows.settings.changes import earlier_settings
from admoe_monai.workflows.settings.table import SETTINGS

from .run_records import read_header, read_settings

#: Places on this machine say nothing of a run, but for weights that it began with.
COMPARED = [name for name, row in SETTINGS.items() if not row.place and not row.once] + ["pretrained"]
TEST = "test"


def compare_runs(run_dirs: Sequence[Path]) -> dict[str, Any]:
    """Compare runs, in values that JSON can carry.

    Args:
        run_dirs: Two or more run directories.

    Returns:
        ``runs`` (their folders) and, with a value per run in this order: ``settings`` that differ, by dotted name;
        ``environment`` and ``digests`` that differ; ``same_datalist`` (None where a run has no checkpoint); ``validation``
        figures; ``test`` figures of `admoe evaluate` with intervals, None for a run without; and ``differences`` of each
        further run to the first by paired resampling, per task, or the ``problem`` for which there is none.

    Raises:
        UserError: For fewer than two runs, or a folder that is none.
    """
    if len({folder.resolve() for folder in run_dirs}) < 2 or len({*run_dirs}) < len(run_dirs):
        raise UserError("name two or more different run directories to compare: admoe runs compare RUN OTHER_RUN")
    settings = [settings_of(folder) for folder in run_dirs]
    headers = [header_of(folder) for folder in run_dirs]
    digests = [dict(header.get("digests", {})) for header in headers]
    datalists = [digest.pop("datalist", None) for digest in digests]
    test = [evaluated(folder) for folder in run_dirs]
    return {
        "runs": [str(folder) for folder in run_dirs],
        "settings": differing([_flat(_compared(values)) for values in settings]),
        "environment": differing([header.get("environment", {}) for header in headers]),
        "digests": differing(digests),
        "same_datalist": None if None in datalists else len({*datalists}) == 1,
        "validation": _side_by_side(
            [_validation(folder, values) for folder, values in zip(run_dirs, settings, strict=True)]
        ),
        "test": test,
        "differences": _differences(run_dirs, [values["classes"] for values in settings], [*map(is_calibrated, test)]),
    }


def settings_of(run_dir: Path) -> dict[str, Any]:
    """Read the settings of a run as this version spells them.

    Args:
        run_dir: Run directory.

    Raises:
        UserError: If its config is absent, damaged or of something else.
    """
    settings = read_settings(run_dir)
    own = {name: value for name, value in settings.items() if name not in ("imports", "initialize", "training")}
    return earlier_settings({"settings": own})


def header_of(run_dir: Path) -> dict[str, Any]:
    """Read what the newest checkpoint of a run records beside its tensors; empty for a run without one.

    Args:
        run_dir: Run directory.

    Raises:
        UserError: If the checkpoint is damaged.
    """
    files = {path.name: path for path in checkpoint_files(run_dir)}
    if not files:
        return {}
    return read_header(files.get(FINAL_MODEL) or max(files.values(), key=lambda path: path.stat().st_mtime))


def differing(columns: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Keep the entries that are not the same in all mappings; None stands for one that is absent.

    Args:
        columns: Mappings of the same kind.
    """
    return {name: row for name, row in _side_by_side(columns).items() if any(value != row[0] for value in row[1:])}


def predictions_file(run_dir: Path) -> Path:
    """Name the file of predictions that `admoe evaluate` writes for the test split."""
    return run_dir / EVALUATION / f"predictions_{TEST}.csv"


def _compared(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: settings[name] for name in COMPARED if name in settings}


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, part in value.items():
        flat |= _flat(part, f"{prefix}{name}.") if isinstance(part, Mapping) else {f"{prefix}{name}": part}
    return flat


def _side_by_side(columns: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [column.get(name) for column in columns] for name in dict.fromkeys(n for c in columns for n in c)}


def _validation(run_dir: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    rows = read_metrics(run_dir / METRICS)
    figures: dict[str, Any] = {"epochs": int(rows[-1]["epoch"]) + 1 if rows else 0}
    best = best_score(rows, settings["selection_metric"])
    if best is not None:
        figures["best_val_acc"] = asdict(best)
        row = next(row for row in rows if int(row["epoch"]) == best.epoch)
        for task in settings["classes"]:
            value = number_in(row, f"val_{task}_balanced_accuracy")
            if value is not None:
                figures[f"{task}_balanced_accuracy"] = {"value": value, "epoch": best.epoch}
    for phase in PHASES:
        lowest = lowest_loss(rows, phase)
        if lowest is not None:
            figures[f"lowest_val_loss_{phase}"] = asdict(lowest)
    return figures


def evaluated(run_dir: Path) -> dict[str, Any] | None:
    """Read the figures of a run's test split, and of what they are; None for a run that was not evaluated.

    Args:
        run_dir: Run directory.

    Raises:
        UserError: If the file can't be read.
    """
    path = run_dir / EVALUATION / figures_file(CLASSIFICATION, TEST)
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        known = {key: content[key] for key in ("figures", "cohort", "simulated", "checkpoint")}
        return {**known, "temperatures": dict(content.get("temperatures", {}))}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} can't be read; make it anew with `admoe evaluate {run_dir}`") from error


def _differences(
    run_dirs: Sequence[Path], classes: Sequence[Mapping[str, Any]], calibrated: Sequence[bool]
) -> list[dict[str, Any]]:
    """Compare the predictions of each further run with those of the first, per task; empty where one has none."""
    files = [predictions_file(folder) for folder in run_dirs]
    first, *others = (
        PredictionTable.read(file, own) if file.is_file() else None for file, own in zip(files, classes, strict=True)
    )
    return [
        {}
        if first is None or other is None
        else {
            task: _difference(other, first, task, own == calibrated[0])
            for task in first.classes
            if task in other.classes
        }
        for other, own in zip(others, calibrated[1:], strict=True)
    ]


def _difference(other: PredictionTable, first: PredictionTable, task: str, alike: bool) -> dict[str, Any]:
    if not alike:
        return {"problem": "one of them was evaluated with --calibrate: evaluate both alike"}
    try:
        return compare_predictions(other, first, task)
    except UserError as error:
        return {"problem": str(error)}


def is_calibrated(figures: Mapping[str, Any] | None) -> bool:
    """Tell whether figures of a run are those at fitted temperatures.

    Args:
        figures: Result of :func:`evaluated`.
    """
    return bool(figures and figures["temperatures"])
