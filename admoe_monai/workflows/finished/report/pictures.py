"""The pictures of a report: ROC, reliability, decision and training curves, where the network looks, reconstructions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from admoe_monai.data import Datalist
from admoe_monai.errors import UserError
from admoe_monai.evaluation.decision_curve import decision_figure, decision_in_words
from admoe_monai.evaluation.pages.curves import curves_figures
from admoe_monai.evaluation.pages.report_page import Section
from admoe_monai.evaluation.pages.wording import in_digits, interval_of, missing, with_interval
from admoe_monai.evaluation.reliability import reliability_figure
from admoe_monai.evaluation.roc import roc_figure, roc_in_words
from admoe_monai.evaluation.run_pictures import figure_to_png
from admoe_monai.metrics_rows import read_metrics
from admoe_monai.people import FEWEST_PEOPLE
from admoe_monai.run_files import BEST_PRETRAIN, EVALUATION, METRICS

from ..evaluation import RECONSTRUCTION, figures_file
from ..prediction import TrainedRun
from ..reconstruction import reconstruction_pictures
from .maps import add_maps


def pictures(run: TrainedRun, cohort: Datalist, numbers: Mapping[str, Any], device: str | None) -> Section:
    """Draw what tables show badly.

    Args:
        run: Finished run.
        cohort: Cohort of the run, whose first test scans are reconstructed.
        numbers: Numbers of the report.
        device: Device to run on; None takes the GPU if there is one.
    """
    section = Section("Pictures")
    _roc(section, numbers)
    _calibration(section, numbers)
    _decisions(section, numbers)
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


def _roc(section: Section, numbers: Mapping[str, Any]) -> None:
    drawn = {task: curves for task, curves in numbers["roc"].items() if curves}
    if drawn:
        section.heading("ROC: each class against the rest, first labelled visit of each test person")
    for task, curves in drawn.items():
        words = "; ".join(roc_in_words(name, curve) for name, curve in curves.items())
        section.picture(f"ROC, {task}", roc_figure(curves), f"ROC curves of {task}. {words}")


def _calibration(section: Section, numbers: Mapping[str, Any]) -> None:
    if not numbers["calibration"]:
        return
    section.heading("Calibration: all labelled test visits, the network as it is")
    for task, bins in numbers["reliability"].items():
        words = "; ".join(
            f"at {entry['confidence']:.2f} right {entry['right']:.2f}, {entry['n_visits']} visits" for entry in bins
        )
        section.picture(f"Reliability, {task}", reliability_figure(bins), f"Reliability of {task}: {words}")
    rows = []
    for task, figures in numbers["calibration"].items():
        number = numbers["test"][task]["n_subjects"]
        visits = sum(entry["n_visits"] for entry in numbers["reliability"][task])
        rows.append([task, visits, *(in_digits(figures[name], number) for name in ("log_loss", "brier", "ece"))])
    section.table(["task", "visits", "log loss", "Brier score", "expected calibration error"], rows)
    _lines(section, numbers)
    section.text("`admoe evaluate RUN_DIR --calibrate` fits a temperature per task.")


def _lines(section: Section, numbers: Mapping[str, Any]) -> None:
    rows = []
    for task, lines in numbers["calibration_lines"].items():
        for name, line in lines.items():
            number = numbers["test"][task]["class_counts"][name]["subjects"]
            few = number < FEWEST_PEOPLE
            cells = [
                missing("too few people") if few else with_interval(line[k], number) for k in ("slope", "intercept")
            ]
            rows.append([f"{task}, {name}", number, *cells])
    section.table(["class against the rest", "people", "calibration slope", "calibration intercept"], rows)
    section.text(
        "First labelled visit of each test person. Perfect are a slope of 1 and an intercept of 0: a slope below 1 means that "
        "the network is too sure, an intercept below 0 means that it calls the class too probable on the whole."
    )


def _decisions(section: Section, numbers: Mapping[str, Any]) -> None:
    drawn = {task: curves for task, curves in numbers["decision"].items() if curves}
    if not drawn:
        return
    network = "at the temperatures of its calibration" if numbers["decision_calibrated"] else "as it is"
    section.heading(f"Decision curves: first labelled visit of each test person, the network {network}")
    section.text(
        "Net benefit per person: who is rightly acted on, less false alarms, of which each counts t / (1 - t) for whoever acts "
        "from a probability t on. The network is of use where its line is above acting on everyone (dashed) and on no one."
    )
    for task, curves in drawn.items():
        words = "; ".join(decision_in_words(name, curve) for name, curve in curves.items())
        section.picture(
            f"Decision curves, {task}",
            decision_figure(curves),
            f"Decision curves of {task}; the network is above acting on everyone and on no one: {words}",
        )


def _reconstructions(section: Section, folder: Path, cohort: Datalist, device: str | None) -> None:
    section.heading("Reconstruction of held-out scans by pretraining")
    try:
        drawn = reconstruction_pictures(TrainedRun.load(folder, BEST_PRETRAIN), cohort, "test", device)
    except UserError as reason:
        section.text(missing(str(reason)))
        return
    section.text("From left to right: original, masked, reconstructed, and what is visible with what is reconstructed.")
    for title, figure in drawn:
        section.picture(title, figure_to_png(figure), f"{title}: original, masked, reconstructed, and both together")
    path = folder / EVALUATION / figures_file(RECONSTRUCTION, "test")
    if not path.is_file():
        section.text(
            f"Errors beside baselines: `admoe evaluate RUN_DIR --checkpoint {BEST_PRETRAIN}`, then this report again."
        )
        return
    figures = json.loads(path.read_text(encoding="utf-8"))["figures"][RECONSTRUCTION]
    number = figures["n_subjects"]
    rows = [
        [name.replace("_", " "), in_digits(error["value"], number), interval_of(error, number)]
        for name, error in figures["errors"].items()
    ]
    section.table([f"{number} subjects", "error in standard deviations of the foreground", "95 % interval"], rows)
