"""A run's best model on its test scans, undisturbed and under every disturbance: figures, their files, a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError
from admoe_monai.evaluation.pages.stress_picture import Points, stress_png
from admoe_monai.evaluation.stress import FIGURES, format_stress, stress_figures
from admoe_monai.run_files import BEST_MODEL, STRESS
from admoe_monai.workflows.run.cohort import cohort_digest

from ..looks import record_look
from ..output import OutputFolder
from ..prediction import TrainedRun, cohort_of
from .conditions import Strengths, conditions_of, default_strengths
from .disturbances import DISTURBANCES
from .predictions import predict_under

NUMBERS, PICTURE = "metrics.json", "stress.png"
PRIMARY = next(iter(FIGURES))


@dataclass(frozen=True)
class Stress:
    """Result of a stress test.

    Attributes:
        content: What stands in the file of numbers: of what the figures are, ``conditions`` and ``figures`` per task.
        folder: Folder of the files.
    """

    content: Mapping[str, Any]
    folder: Path

    def heading(self) -> str:
        """Say what was tested, in one line."""
        note = " (SIMULATED)" if self.content["simulated"] else ""
        return f"{self.content['cohort']}{note}, test split, {BEST_MODEL} of epoch {self.content['epoch']}"

    def text(self) -> str:
        """Format the figures as plain text."""
        return format_stress(self.content["figures"])


def stress_run(
    run_dir: Path,
    strengths: Strengths | None = None,
    dataset_dir: Path | None = None,
    output: Path | None = None,
    device: str | None = None,
) -> Stress:
    """Predict the test split of a run under disturbances, and write figures and picture.

    Args:
        run_dir: Folder of the run.
        strengths: Strengths per kind of disturbance; those of :func:`default_strengths` by default.
        dataset_dir: Folder of the images, if they were moved.
        output: Folder to write to; the run's folder `stress` by default.
        device: Device to run on, such as cuda or cpu; None takes the GPU if there is one.

    Raises:
        UserError: If the run has no finetuned model or no labelled test visit, a scan can't be read, or the folder can't be
            written to.
    """
    run = TrainedRun.load(run_dir)
    cohort = cohort_of(run, dataset_dir=dataset_dir)
    if not any(visit.get(task) for visit in cohort.splits["test"] for task in cohort.classes):
        raise UserError(f"{cohort.path} has no labelled test visit to disturb")
    folder = OutputFolder(output or run_dir / STRESS)
    prior = [column["name"] for column in run.checkpoint["prior"]]
    conditions = conditions_of(default_strengths() if strengths is None else strengths, prior)
    tables = predict_under(run, cohort, "test", conditions, device)
    record_look(run_dir, "stress", BEST_MODEL, run.checkpoint["epoch"], cohort_digest(cohort))
    content: dict[str, Any] = {
        "cohort": cohort.name,
        "simulated": cohort.simulated,
        "datalist": str(cohort.path),
        "split": "test",
        "checkpoint": BEST_MODEL,
        "epoch": run.checkpoint["epoch"],
        "leakage": run.checkpoint.get("leakage", []),
        "conditions": [{"name": condition.name, **asdict(condition)} for condition in conditions],
        "figures": stress_figures(tables),
    }
    folder.write(NUMBERS, json.dumps(content, indent=1))
    drawn = points_of(content["conditions"], content["figures"])
    if drawn:
        panels = {kind.replace("_", " "): (DISTURBANCES[kind].unit, points) for kind, points in drawn.items()}
        folder.write(PICTURE, stress_png(panels))
    return Stress(content, folder.path)


def points_of(conditions: Sequence[Mapping[str, Any]], figures: Mapping[str, Any]) -> dict[str, Points]:
    """Collect what is drawn of each kind of disturbance, the undisturbed scans at strength 0.

    Args:
        conditions: Conditions, as the file of numbers has them.
        figures: Figures per task, likewise.
    """
    first = conditions[0]
    kinds = dict.fromkeys(condition["kind"] for condition in conditions if condition["kind"])
    return {
        kind: {
            task: [
                (condition["strength"], entry["conditions"][condition["name"]]["metrics"][PRIMARY])
                for condition in conditions
                if condition is first or condition["kind"] == kind
            ]
            for task, entry in figures.items()
        }
        for kind in kinds
    }
