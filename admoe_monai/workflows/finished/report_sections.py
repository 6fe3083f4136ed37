"""Sections of a report's page, each made of its part of the numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from admoe_monai.data import Datalist, definition_in_words
from admoe_monai.evaluation.curves import bars_figure, confusion_figure, curves_figure
from admoe_monai.evaluation.report_page import Section, report_page
from admoe_monai.evaluation.text import format_interval, format_number
from admoe_monai.run_files import BEST_MODEL, EVALUATION, METRICS
from admoe_monai.workflows.settings.table import PATHS

from .evaluation import RECONSTRUCTION, figures_file
from .prediction import TrainedRun

HEADLINE = ("balanced_accuracy", "macro_auc")


def page_of(run: TrainedRun, cohort: Datalist, numbers: Mapping[str, Any]) -> str:
    """Write the page of a report.

    Args:
        run: Finished run.
        cohort: Cohort of the run.
        numbers: Numbers as `write_report` collects them.
    """
    settings = run.settings
    kind = "simulated scans" if cohort.simulated else "real scans"
    summary = [
        f"{cohort.name} ({kind}). {cohort.description}",
        f"{BEST_MODEL} of epoch {numbers['epoch']}, {settings['pretrain_epochs']} of {settings['max_epochs']} epochs "
        f"pretraining; {sum(p.numel() for p in run.network.parameters()):,} parameters.",
        "Figures are of the first labelled visit of each test subject; intervals are 95 %, by resampling subjects.",
    ]
    banners = [f"Trained in spite of a leak: {line}" for line in numbers["leakage"]]
    sections = [
        _data_section(cohort, numbers),
        _figures_section(numbers),
        _yardstick_section(numbers),
        _group_section(numbers),
        _calibration_section(numbers),
        _curves_section(run.folder),
        _expert_section(run, numbers),
        _reconstruction_section(run.folder),
        _settings_section(run),
    ]
    return report_page(f"Report of {run.folder.name}", summary, banners, sections)


def _data_section(cohort: Datalist, numbers: Mapping[str, Any]) -> Section:
    section = Section("Data")
    tasks = cohort.classes
    names = {task: sorted({n for split in numbers["visits"].values() for n in split[task]}) for task in tasks}
    columns = ["split", "subjects", "visits", *(f"{name}" for task in tasks for name in names[task])]
    rows = [
        [split, count["subjects"], count["visits"], *(count[task].get(n, 0) for task in tasks for n in names[task])]
        for split, count in numbers["visits"].items()
    ]
    section.table(columns, rows)
    for task in tasks:
        section.text(f"{task}: {definition_in_words(cohort.label_definition, task)}")
    return section


def _figures_section(numbers: Mapping[str, Any]) -> Section:
    section = Section("Test figures")
    for task, figures in numbers["test"].items():
        counts = ", ".join(f"{name} {count['subjects']}" for name, count in figures["class_counts"].items())
        section.heading(f"{task}: {figures['n_subjects']} subjects ({counts})")
        section.table(
            ["figure", "value", "95 % interval", "chance"], [_row(n, m) for n, m in figures["metrics"].items()]
        )
    confusions = {task: (f["classes"], f["confusion"]) for task, f in numbers["test"].items() if f["n_visits"]}
    if confusions:
        section.picture("confusion matrices", confusion_figure(confusions))
    return section


def _row(name: str, metric: Mapping[str, Any]) -> list[str]:
    chance = metric.get("chance")
    return [
        name.replace("_", " ").replace("auc", "AUC"),
        format_number(metric["value"]),
        format_interval(metric["low"], metric["high"]),
        "" if chance is None else format_number(chance),
    ]


def _yardstick_section(numbers: Mapping[str, Any]) -> Section:
    section = Section("Beside what needs less")
    if not numbers["yardsticks"]:
        return section
    everything = {"network": numbers["test"], **numbers["yardsticks"]}
    for task in numbers["test"]:
        rows = [[name, *_headline(found[task])] for name, found in everything.items() if task in found]
        section.heading(task)
        section.table(["", "subjects", "balanced accuracy", "macro AUC"], rows)
    return section


def _headline(figures: Mapping[str, Any]) -> list[str]:
    cells = [str(figures["n_subjects"])]
    for name in HEADLINE:
        metric = figures["metrics"][name]
        cells.append(f"{format_number(metric['value'])} {format_interval(metric['low'], metric['high'])}")
    return cells


def _group_section(numbers: Mapping[str, Any]) -> Section:
    section = Section("By group")
    for column, groups in numbers["groups"].items():
        section.heading(column.replace("_", " "))
        rows = [
            [f"{group}, {task}", *_headline(figures[task])]
            for group, figures in groups.items()
            for task in figures
            if figures[task]["n_subjects"] and task != column
        ]
        section.table(["", "subjects", "balanced accuracy", "macro AUC"], rows)
    return section


def _calibration_section(numbers: Mapping[str, Any]) -> Section:
    section = Section("Calibration")
    rows = [
        [task, *(format_number(figures[name]) for name in ("log_loss", "brier", "ece"))]
        for task, figures in numbers["calibration"].items()
    ]
    if rows:
        section.table(["task", "log loss", "Brier score", "expected calibration error"], rows)
        section.text(
            "Of the network as it is, over all labelled test visits; `admoe evaluate --calibrate` fits a temperature."
        )
    return section


def _curves_section(folder: Path) -> Section:
    section = Section("Training")
    path = folder / METRICS
    if path.is_file():
        section.picture("loss and balanced accuracy over the epochs", curves_figure(pd.read_csv(path)))
    return section


def _expert_section(run: TrainedRun, numbers: Mapping[str, Any]) -> Section:
    section = Section("Experts")
    weights, experts = numbers["gate_weights"], run.settings["experts"]
    tasks = "|".join(map(re.escape, run.settings["classes"]))
    found = (re.fullmatch(rf"(stage\d+_(?:{tasks}))_{re.escape(experts[0])}", key) for key in weights)
    for place in (match[1] for match in found if match):
        groups = ["all", *numbers["gate_weights_of"]]
        series = {
            expert: [weights.get(f"{place}_{expert}" + ("" if g == "all" else f"_of_{g}"), 0.0) for g in groups]
            for expert in experts
        }
        title = place.replace("_", ", ")
        section.picture(title, bars_figure(f"mean gate weight, {title}", groups, series, "weight"))
    for task, changes in numbers["recall_without_expert"].items():
        labels = list(next(iter(changes.values()), {}))
        if labels:
            section.heading(f"{task}: change of recall without an expert, all labelled test visits")
            rows = [[name, *(f"{change[label]:+.3f}" for label in labels)] for name, change in changes.items()]
            section.table(["expert", *labels], rows)
    return section


def _reconstruction_section(folder: Path) -> Section:
    section = Section("Reconstruction of held-out scans")
    path = folder / EVALUATION / figures_file(RECONSTRUCTION, "test")
    if path.is_file():
        figures = json.loads(path.read_text(encoding="utf-8"))["figures"][RECONSTRUCTION]
        rows = [
            [name.replace("_", " "), format_number(e["value"]), format_interval(e["low"], e["high"])]
            for name, e in figures["errors"].items()
        ]
        section.table([f"{figures['n_subjects']} subjects", "error", "95 % interval"], rows)
        for picture in sorted(path.parent.glob("reconstruction_*.png")):
            section.picture("original, masked, reconstructed", picture.read_bytes())
    return section


def _settings_section(run: TrainedRun) -> Section:
    section = Section("Settings and versions")
    rows = [[name, str(value)] for name, value in run.settings.items() if name not in PATHS]
    rows += [[name, str(value)] for name, value in run.checkpoint["environment"].items()]
    section.table(["setting", "value"], rows)
    return section
