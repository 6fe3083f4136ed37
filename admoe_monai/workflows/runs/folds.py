"""Folds of a cross-validation, each a run of the same plan, brought together into one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable
from admoe_monai.evaluation.folds import evaluate_folds
from admoe_monai.evaluation.pages.text import format_interval, format_number
from admoe_monai.workflows.settings.table import SETTINGS, OnResume

from .comparison import differing, evaluated, header_of, is_calibrated, predictions_file, settings_of
from .comparison_text import lines_of_notes, text_table

#: Settings that may differ between folds: no figure depends on them, it is a matter of chance, or it follows from the data.
_FREE = ("num_workers", "save_interval", "keep_checkpoints", "checkpoint_stages", "seed", "prior_dim")
_OF_THE_PLAN = [name for name, row in SETTINGS.items() if row.on_resume is not OnResume.IGNORED and name not in _FREE]


def pool_folds(run_dirs: Sequence[Path]) -> dict[str, Any]:
    """Average the test figures of folds.

    Args:
        run_dirs: Runs of one plan whose test splits have no subject in common, each evaluated.

    Returns:
        ``runs`` (their folders) and ``figures`` as `evaluate_folds` gives them.

    Raises:
        UserError: If a run was not evaluated, is of another plan, or tests a subject of another one.
    """
    if len(run_dirs) < 2:
        raise UserError("name the runs of two or more folds: admoe runs pool RUN OTHER_RUN")
    settings = [settings_of(folder) for folder in run_dirs]
    _refuse_differences(run_dirs, [{name: own[name] for name in _OF_THE_PLAN} for own in settings], "")
    _refuse_differences(
        run_dirs, [{"evaluation with --calibrate": is_calibrated(evaluated(folder))} for folder in run_dirs], ""
    )
    digests = [dict(header_of(folder).get("digests", {})) for folder in run_dirs]
    for digest in digests:
        digest.pop("datalist", None)
    _refuse_differences(run_dirs, digests, "the digest of ")
    folds = {}
    for folder, own in zip(run_dirs, settings, strict=True):
        file = predictions_file(folder)
        if not file.is_file():
            raise UserError(f"{folder} has no predictions of its test subjects; run `admoe evaluate {folder}` first")
        folds[str(folder)] = PredictionTable.read(file, own["classes"])
    return {"runs": [str(folder) for folder in run_dirs], "figures": evaluate_folds(folds)}


def lines_of_folds(found: Mapping[str, Any], width: int | None) -> list[str]:
    """Format the result of `pool_folds`.

    Args:
        found: The result.
        width: Width of the terminal in characters; None for lines that are as long as they need to be.
    """
    lines = [f"fold {number}: {run}" for number, run in enumerate(found["runs"], start=1)]
    for task, figures in found["figures"].items():
        sizes = ", ".join(map(str, figures["n_by_fold"]))
        lines += ["", f"{task}: {figures['n_subjects']} subjects (by fold: {sizes}), {figures['n_visits']} visits"]
        rows = [
            [
                name,
                format_number(entry["value"]),
                format_number(entry["spread"]),
                format_interval(entry["low"], entry["high"]),
            ]
            for name, entry in figures["metrics"].items()
        ]
        lines += text_table(["figure", "mean", "SD", "95 % interval"], rows, width, whole=4)
        lines += lines_of_notes({name: entry["note"] for name, entry in figures["metrics"].items()}, width)
    return [*lines, "", "mean and SD over folds of figures made within folds; intervals over subjects"]


def _refuse_differences(run_dirs: Sequence[Path], columns: Sequence[Mapping[str, Any]], what: str) -> None:
    for name, values in differing(columns).items():
        other = next(k for k, value in enumerate(values) if value != values[0])
        raise UserError(
            f"{run_dirs[0]} and {run_dirs[other]} are not of one plan: {what}{name} is {values[0]} and {values[other]}"
        )
