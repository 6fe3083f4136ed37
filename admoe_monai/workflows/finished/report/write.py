"""The files of a report: one page, and one file of numbers."""

from __future__ import annotations

import json
from pathlib import Path

from admoe_monai.errors import UserError
from admoe_monai.run_files import BEST_MODEL
from admoe_monai.workflows.run.cohort import cohort_digest

from ..looks import in_words, looks_at, record_look
from ..output import OutputFolder
from ..prediction import TrainedRun, cohort_of
from .numbers import OF_SINGLE_PEOPLE, collect_numbers
from .page import page_of

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
        UserError: If the run has no finetuned model, or no test visits, or the folder can't be written to.
    """
    run = TrainedRun.load(run_dir)
    cohort = cohort_of(run, dataset_dir=dataset_dir)
    if not cohort.splits["test"]:
        raise UserError(f"{cohort.path} has no test visits to report on")
    folder = OutputFolder(output or run.folder / "report")
    digest = cohort_digest(cohort)
    looks = in_words(looks_at(run.folder), digest, run.settings["pretrain_epochs"])
    numbers = {**collect_numbers(run, cohort, device), "looks": looks}
    record_look(run.folder, "report", BEST_MODEL, run.checkpoint["epoch"], digest)
    written = {name: value for name, value in numbers.items() if name not in OF_SINGLE_PEOPLE}
    folder.write(NUMBERS, json.dumps(written, indent=1))
    return folder.write(PAGE, page_of(run, cohort, numbers, device))
