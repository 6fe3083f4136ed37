"""The pictures of a report: ROC, reliability, decision and training curves, where the network looks, reconstructions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from admoe_monai.data import Datalist
from admoe_monai.errors import UserError
from admoe_monai.evaluation.pages.curves import curves_figures
from admoe_monai.evaluation.pages.report_page import Section
from admoe_monai.evaluation.pages.wording import in_digits, interval_of, missing
from admoe_monai.evaluation.run_pictures import figure_to_png
from admoe_monai.metrics_rows import read_metrics
from admoe_monai.run_files import BEST_PRETRAIN, EVALUATION, METRICS

from ..evaluation import RECONSTRUCTION, figures_file
from ..kept import check_estimate, read_kept
from ..prediction import TrainedRun
from ..reconstruction import reconstruction_pictures
from .maps import add_maps
from .probabilities import add_calibration, add_decisions, add_roc


def pictures(run: TrainedRun, cohort: Datalist, numbers: Mapping[str, Any], device: str | None) -> Section:
    """Draw what tables show badly.

    Args:
        run: Finished run.
        cohort: Cohort of the run, whose first test scans are reconstructed.
        numbers: Numbers of the report.
        device: Device to run on; None takes the GPU if there is one.
    """
    section = Section("Pictures")
    add_roc(section, numbers)
    add_calibration(section, numbers)
    add_decisions(section, numbers)
    section.heading("Training")
    path = run.folder / METRICS
    if path.is_file():
        for title, figure in curves_figures(read_metrics(path), run.settings["selection_metric"]).items():
            section.picture(title, figure, f"{title}, over the epochs")
    else:
        section.text(missing(f"the run directory has no {METRICS}"))
    add_maps(section, run.folder, run.checkpoint["epoch"])
    if run.settings["pretrain_epochs"]:
        _reconstructions(section, run.folder, cohort, device)
    return section


def _reconstructions(section: Section, folder: Path, cohort: Datalist, device: str | None) -> None:
    section.heading("Reconstruction of held-out scans by pretraining")
    try:
        run = TrainedRun.load(folder, BEST_PRETRAIN)
        drawn = reconstruction_pictures(run, cohort, "test", device)
    except UserError as reason:
        section.text(missing(str(reason)))
        return
    section.text("From left to right: original, masked, reconstructed, and what is visible with what is reconstructed.")
    for title, figure in drawn:
        section.picture(title, figure_to_png(figure), f"{title}: original, masked, reconstructed, and both together")
    figures = read_kept(folder / EVALUATION / figures_file(RECONSTRUCTION, "test"), _errors)
    if figures is None or figures["epoch"] != run.checkpoint["epoch"]:
        section.text(
            f"Errors beside baselines: `admoe evaluate RUN_DIR --checkpoint {BEST_PRETRAIN}`, then this report again."
        )
        return
    number = figures["n_subjects"]
    rows = [
        [name.replace("_", " "), in_digits(error["value"], number), interval_of(error, number)]
        for name, error in figures["errors"].items()
    ]
    section.table([f"{number} subjects", "error in standard deviations of the foreground", "95 % interval"], rows)


def _errors(content: Any) -> dict[str, Any]:
    found = content["figures"][RECONSTRUCTION]
    for error in found["errors"].values():
        check_estimate(error)
    values = [error["value"] for error in found["errors"].values()]
    if None in values or not isinstance(found["n_subjects"], int):
        raise ValueError("no errors that a table could show")
    return {"epoch": content["epoch"], "n_subjects": found["n_subjects"], "errors": found["errors"]}
