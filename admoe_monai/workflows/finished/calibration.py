"""Calibration of a run: fitted on its validation split, kept beside its figures, carried by its bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError
from admoe_monai.evaluation.calibration import calibration_remarks, fit_temperatures
from admoe_monai.files import write_atomic
from admoe_monai.run_files import BEST_MODEL, CALIBRATION

from .prediction import TrainedRun, cohort_of, predict


def fit_calibration(
    run: TrainedRun, device: str | None = None, dataset_dir: Path | None = None
) -> dict[str, dict[str, Any]]:
    """Fit the temperatures of a run's best model and keep them in its folder.

    Args:
        run: Run with its best model, which is the one that a bundle carries.
        device: Device to run on, such as cuda or cpu; None takes the GPU if there is one.
        dataset_dir: Folder of the run's images, if they were moved.

    Returns:
        See :func:`fit_temperatures`.

    Raises:
        UserError: If the run has no validation visits.
    """
    cohort = cohort_of(run, dataset_dir=dataset_dir)
    if not cohort.splits["validation"]:
        raise UserError(f"{cohort.path} has no validation visits to fit the calibration on")
    fitted = fit_temperatures(predict(run, cohort, "validation", device))
    path = run.folder / CALIBRATION
    path.parent.mkdir(exist_ok=True)
    content = {"checkpoint": BEST_MODEL, "epoch": run.checkpoint["epoch"], "split": "validation", "tasks": fitted}
    write_atomic(path, json.dumps(content, indent=1))
    return fitted


def calibration_remarks_of(folder: Path) -> list[str]:
    """Say what limits the calibration that a run has; nothing where it has none that can be read.

    Args:
        folder: Run directory.
    """
    try:
        return calibration_remarks(json.loads((folder / CALIBRATION).read_text(encoding="utf-8"))["tasks"])
    except (OSError, ValueError, KeyError, TypeError):
        return []


def temperatures_of(folder: Path, epoch: int) -> dict[str, float] | None:
    """Read the temperatures of a run's best model; None where it was not calibrated.

    Args:
        folder: Run directory.
        epoch: Epoch of the best model: a calibration of an earlier one is of another network.

    Raises:
        UserError: If the file can't be read, or is of another epoch.
    """
    path = folder / CALIBRATION
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        temperatures = {task: float(entry["temperature"]) for task, entry in content["tasks"].items()}
        of_epoch = int(content["epoch"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} can't be read ({error}); fit it anew: admoe evaluate {folder} --calibrate") from error
    if of_epoch != epoch:
        raise UserError(
            f"{path} is of epoch {of_epoch}, {BEST_MODEL} of epoch {epoch}; fit it anew: admoe evaluate {folder} --calibrate"
        )
    return temperatures
