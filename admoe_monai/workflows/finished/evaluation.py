"""Evaluation of a checkpoint on a split of its run's cohort or of another one: figures, predictions, their files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from admoe_monai.data import Datalist
from admoe_monai.data.other_labels import left_out_lines
from admoe_monai.errors import UserError
from admoe_monai.evaluation.calibration import (
    apply_temperatures,
    calibration_remarks,
    compare_calibration,
    temperatures_in_words,
)
from admoe_monai.evaluation.evaluate import evaluate_predictions
from admoe_monai.evaluation.failures import common_to_wrong, said_of_wrong, worst_cases
from admoe_monai.evaluation.pages.text import format_calibration, format_evaluation, format_reconstruction, format_sets
from admoe_monai.evaluation.prediction_sets import evaluate_sets, with_sets
from admoe_monai.run_files import BEST_MODEL, BEST_PRETRAIN, EVALUATION
from admoe_monai.workflows.run.cohort import cohort_digest

from .calibration import SET, fit_calibration, remarks_on_sets
from .looks import record_look
from .output import OutputFolder
from .prediction import TrainedRun, cohort_of, predict
from .reconstruction import evaluate_reconstruction

CLASSIFICATION, RECONSTRUCTION = "metrics", "reconstruction"
TEST = "test"


def figures_file(kind: str, split: str) -> str:
    """Name a file of figures.

    Args:
        kind: Kind of figures: `CLASSIFICATION`, or `RECONSTRUCTION` for a checkpoint of pretraining.
        split: Split that the figures are of.
    """
    return f"{kind}_{split}.json"


@dataclass(frozen=True)
class RunEvaluation:
    """Result of an evaluation.

    Attributes:
        about: Origin of the figures: cohort, whether it is simulated, datalist, split, checkpoint, leakage,
            labels that were left out, and epoch.
        figures: Results per task as `evaluate_predictions` gives them, or of the reconstruction as `compare_reconstructions`
            does.
        folder: Folder of the files.
        calibration: Figures per split, before and after the temperatures that were fitted; empty where none were.
        remarks: Sentences on what limits the figures.
        sets: How often the prediction sets that were fitted hold the true class, per task; empty where none were.
        wrong: What the people called wrong have in common, as `common_to_wrong` gives it; empty for a reconstruction.
    """

    about: Mapping[str, Any]
    figures: Mapping[str, Any]
    folder: Path
    calibration: Mapping[str, Any]
    remarks: Sequence[str] = ()
    sets: Mapping[str, Any] = field(default_factory=dict)
    wrong: Mapping[str, Any] = field(default_factory=dict)

    def heading(self) -> str:
        """Say what was evaluated, in one line."""
        note = " (SIMULATED)" if self.about["simulated"] else ""
        checkpoint = f"{self.about['checkpoint']} of epoch {self.about['epoch']}"
        return f"{self.about['cohort']}{note}, {self.about['split']} split, {checkpoint}"

    def text(self) -> str:
        """Format the figures as plain text."""
        if RECONSTRUCTION in self.figures:
            return format_reconstruction(self.figures[RECONSTRUCTION])
        tables = [format_evaluation(self.figures)]
        if self.calibration:
            tables[0] += f"\n{temperatures_in_words(self.calibration['validation'])}"
            tables += [format_calibration(self.calibration), format_sets(self.sets)]
        tables += ["\n".join(said) for task, found in self.wrong.items() if (said := said_of_wrong(task, found))]
        return "\n\n".join(tables)


def evaluate_run(
    run_dir: Path,
    checkpoint: str = BEST_MODEL,
    datalist: Path | None = None,
    dataset_dir: Path | None = None,
    split: str = "test",
    one_visit_per_subject: bool = True,
    output: Path | None = None,
    calibrate: bool = False,
    device: str | None = None,
) -> RunEvaluation:
    """Evaluate a checkpoint and write its figures, with its predictions or with pictures of its reconstructions.

    Args:
        run_dir: Folder of the run.
        checkpoint: File name within it.
        datalist: Another cohort than the run's own.
        dataset_dir: Folder of the images, if they were moved.
        split: Name of the split: `training`, `validation` or `test`.
        one_visit_per_subject: Whether to use the first visit of each subject only, or all.
        output: Folder to write to; by default that of the run's evaluations, or for another cohort or other weights than
            the best a folder in it, so that nothing takes these for the run's own.
        calibrate: Whether to fit temperatures and prediction sets on the run's validation split, keep and use them.
        device: Device to run on, such as cuda or cpu; None takes the GPU if there is one.

    Raises:
        UserError: If the checkpoint, the split or the scans are not there, what is asked for is not of this checkpoint, or the
            folder can't be written to.
    """
    run = TrainedRun.load(run_dir, checkpoint)
    cohort = cohort_of(run, datalist, dataset_dir)
    if split not in cohort.splits or not cohort.splits[split]:
        raise UserError(f"{cohort.path} has no {split} visits")
    if calibrate and checkpoint != BEST_MODEL:
        raise UserError(f"--calibrate is of {BEST_MODEL}, which a bundle carries, not of {checkpoint}")
    folder = OutputFolder(output or run_dir / EVALUATION / _subfolder(checkpoint, datalist))
    figures: dict[str, Any]
    calibration: dict[str, Any] = {}
    sets: dict[str, Any] = {}
    wrong: dict[str, Any] = {}
    remarks = left_out_lines(cohort.label_definition, cohort.classes)
    if run.checkpoint["is_pretrain"]:
        kind = RECONSTRUCTION
        compared = evaluate_reconstruction(run, cohort, split, device, folder, one_visit_per_subject)
        figures = {RECONSTRUCTION: compared}
    else:
        kind = CLASSIFICATION
        table = predict(run, cohort, split, device)
        if calibrate:
            fitted = fit_calibration(run, device, dataset_dir if datalist is None else None)
            calibrated = apply_temperatures(table, {task: entry["temperature"] for task, entry in fitted.items()})
            calibration = {split: compare_calibration(table, calibrated), "validation": fitted}
            thresholds = {task: entry[SET] for task, entry in fitted.items()}
            sets = evaluate_sets(calibrated, thresholds)
            table = with_sets(calibrated, thresholds)
            remarks += [*calibration_remarks(fitted), *remarks_on_sets(fitted)]
        figures = evaluate_predictions(table, table.classes, one_visit_per_subject=one_visit_per_subject)
        folder.write(f"predictions_{split}.csv", table.csv())
        wrong = common_to_wrong(table)
        folder.write(f"worst_cases_{split}.csv", worst_cases(table).to_csv(index=False))
    if split == TEST:
        record_look(run_dir, "evaluate", checkpoint, run.checkpoint["epoch"], cohort_digest(cohort))
    temperatures = {task: entry["temperature"] for task, entry in calibration.get("validation", {}).items()}
    about = {**_about(run, cohort, split, checkpoint), "temperatures": temperatures}
    content = {**about, "figures": figures, "wrong": wrong, **({"prediction_sets": sets} if sets else {})}
    folder.write(figures_file(kind, split), json.dumps(content, indent=1))
    return RunEvaluation(about, figures, folder.path, calibration, remarks, sets, wrong)


def _subfolder(checkpoint: str, datalist: Path | None) -> str:
    weights = [] if checkpoint in (BEST_MODEL, BEST_PRETRAIN) else [Path(checkpoint).stem]
    return "_".join([*weights, *([] if datalist is None else ["on", datalist.stem])])


def _about(run: TrainedRun, cohort: Datalist, split: str, checkpoint: str) -> dict[str, Any]:
    return {
        "cohort": cohort.name,
        "simulated": cohort.simulated,
        "datalist": str(cohort.path),
        "split": split,
        "checkpoint": checkpoint,
        "leakage": run.checkpoint.get("leakage", []),
        "left_out": left_out_lines(cohort.label_definition, cohort.classes),
        "epoch": run.checkpoint["epoch"],
    }
