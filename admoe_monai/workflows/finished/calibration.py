"""Calibration of a run, temperatures and prediction sets: fitted on its validation split, kept beside its figures."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from admoe_monai.errors import UserError, reason_of
from admoe_monai.evaluation.calibration import apply_temperatures, calibration_remarks, fit_temperatures
from admoe_monai.evaluation.prediction_sets import fit_sets, set_remarks
from admoe_monai.run_files import BEST_MODEL, CALIBRATION

from .kept import read_kept
from .output import OutputFolder
from .prediction import TrainedRun, cohort_of, predict

Part = TypeVar("Part")
#: Entry of a task that holds the thresholds of its prediction sets.
SET = "set"


def fit_calibration(
    run: TrainedRun, device: str | None = None, dataset_dir: Path | None = None
) -> dict[str, dict[str, Any]]:
    """Fit the temperatures of a run's best model, and prediction sets at these, and keep them in its folder.

    Args:
        run: Run with its best model, which is the one that a bundle carries.
        device: Device to run on, such as cuda or cpu; None takes the GPU if there is one.
        dataset_dir: Folder of the run's images, if they were moved.

    Returns:
        Per task what :func:`fit_temperatures` gives, and under ``set`` what :func:`fit_sets` does.

    Raises:
        UserError: If the run has no validation visits.
    """
    cohort = cohort_of(run, dataset_dir=dataset_dir)
    if not cohort.splits["validation"]:
        raise UserError(f"{cohort.path} has no validation visits to fit the calibration on")
    table = predict(run, cohort, "validation", device)
    fitted = fit_temperatures(table)
    sets = fit_sets(apply_temperatures(table, {task: entry["temperature"] for task, entry in fitted.items()}))
    fitted = {task: {**entry, SET: sets[task]} for task, entry in fitted.items()}
    content = {"checkpoint": BEST_MODEL, "epoch": run.checkpoint["epoch"], "split": "validation", "tasks": fitted}
    OutputFolder(run.folder).write(CALIBRATION, json.dumps(content, indent=1))
    return fitted


def calibration_remarks_of(folder: Path) -> list[str]:
    """Say what limits the calibration that a run has; nothing where it has none that can be read.

    Args:
        folder: Run directory.
    """

    def remarks(content: Any) -> list[str]:
        return [*calibration_remarks(content["tasks"]), *remarks_on_sets(content["tasks"])]

    return read_kept(folder / CALIBRATION, remarks) or []


def remarks_on_sets(fitted: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say which classes have no threshold for want of people; nothing of tasks that were calibrated without sets.

    Args:
        fitted: Result of :func:`fit_calibration`.
    """
    return set_remarks({task: entry[SET] for task, entry in fitted.items() if SET in entry})


def temperatures_of(folder: Path, epoch: int) -> dict[str, float] | None:
    """Read the temperatures of a run's best model; None where it was not calibrated.

    Args:
        folder: Run directory.
        epoch: Epoch of the best model: a calibration of an earlier one is of another network.

    Raises:
        UserError: If the file can't be read, or is of another epoch.
    """
    return _kept(folder, epoch, lambda entry: _temperature(entry["temperature"]))


def sets_of(folder: Path, epoch: int) -> dict[str, dict[str, Any]] | None:
    """Read the thresholds of the prediction sets of a run's best model.

    Args:
        folder: Run directory.
        epoch: Epoch of the best model.

    Returns:
        As :func:`fit_sets` gives them; None where the run was not calibrated, or by a version that knew no sets.

    Raises:
        UserError: If the file can't be read, or is of another epoch.
    """
    found = _kept(folder, epoch, lambda entry: _thresholds(entry[SET]) if SET in entry else None)
    sets = {task: entry for task, entry in (found or {}).items() if entry is not None}
    return sets if found and len(sets) == len(found) else None


def _temperature(content: Any) -> float:
    temperature = float(content)
    if not 0 < temperature < math.inf:
        raise ValueError("a temperature must be positive")
    return temperature


def _thresholds(content: Mapping[str, Any]) -> dict[str, Any]:
    classes = {
        str(name): {"least_probability": float(own["least_probability"]), "n_subjects": int(own["n_subjects"])}
        for name, own in content["classes"].items()
    }
    promised = float(content["promised"])
    if not 0 < promised < 1 or not all(math.isfinite(own["least_probability"]) for own in classes.values()):
        raise ValueError("thresholds of prediction sets must be probabilities")
    return {"promised": promised, "classes": classes}


def _kept(folder: Path, epoch: int, part: Callable[[Mapping[str, Any]], Part]) -> dict[str, Part] | None:
    """Read a part of each task's entry."""
    path = folder / CALIBRATION
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = {task: part(entry) for task, entry in content["tasks"].items()}
        of_epoch = int(content["epoch"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} can't be read ({reason_of(error)}); fit it anew: admoe evaluate {folder} --calibrate"
        ) from error
    if of_epoch != epoch:
        raise UserError(
            f"{path} is of epoch {of_epoch}, {BEST_MODEL} of epoch {epoch}; fit it anew: admoe evaluate {folder} --calibrate"
        )
    return found
