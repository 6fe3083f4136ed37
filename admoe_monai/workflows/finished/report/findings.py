"""The figures of the test split, task by task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admoe_monai.evaluation.report_page import Section
from admoe_monai.evaluation.wording import in_digits, interval_of, missing, value_of
from admoe_monai.people import FEWEST_PEOPLE, people

#: Accuracy comes after what it can't be read without.
FIRST = ("balanced_accuracy", "macro_auc", "accuracy")


def findings(numbers: Mapping[str, Any]) -> Section:
    """Show each task's figures and its confusion matrix.

    Args:
        numbers: Numbers of the report.
    """
    section = Section("Findings")
    for task, figures in numbers["test"].items():
        section.heading(f"{task}: {people(figures['n_subjects'])} of the test split")
        if not figures["n_subjects"]:
            section.text(missing("no labelled test visit with a prediction"))
            continue
        metrics = figures["metrics"]
        names = [*(n for n in FIRST if n in metrics), *(n for n in metrics if n.startswith("recall_"))]
        names += [name for name in metrics if name not in names]
        rows = [_row(name, metrics[name], figures) for name in names if metrics[name]["value"] is not None]
        section.table(["figure", "value", "95 % interval", "by chance"], rows)
        absent = [label for label, count in figures["class_counts"].items() if not count["subjects"]]
        if absent:
            section.text(f"Nobody of them is labelled {' or '.join(absent)}; means are over the other classes.")
        section.text("Rows: what is true; columns: what the network calls most probable.")
        section.confusion(figures["classes"], figures["confusion"])
    return section


def _row(name: str, metric: Mapping[str, Any], figures: Mapping[str, Any]) -> list[str]:
    counts = {label: count["subjects"] for label, count in figures["class_counts"].items()}
    number = figures["n_subjects"]
    if name.startswith("recall_"):
        return _recall_row(name.removeprefix("recall_"), metric, figures)
    if name.startswith("auc_"):
        smaller, whose = min((counts[label], label) for label in _pair(name, figures["classes"]))
        shown = [value_of(metric, number), interval_of(metric, smaller, f"with {whose}")]
        return [_title(name, figures["classes"]), *shown, in_digits(metric["chance"], number)]
    if name == "accuracy":
        label, most = max(counts.items(), key=lambda entry: entry[1])
        chance = f"{in_digits(most / number, number)} (always {label})"
    else:
        chance = in_digits(metric["chance"], number)
    return [_title(name, figures["classes"]), value_of(metric, number), interval_of(metric, number), chance]


def _recall_row(label: str, metric: Mapping[str, Any], figures: Mapping[str, Any]) -> list[str]:
    place = figures["classes"].index(label)
    row, number = figures["confusion"][place], figures["class_counts"][label]["subjects"]
    right = f"{row[place]} of {sum(row)}"
    if number >= FEWEST_PEOPLE:
        right = f"{value_of(metric, number)} ({right})"
    return [f"recall of {label}", right, interval_of(metric, number), ""]


def _pair(name: str, classes: list[str]) -> tuple[str, str]:
    """Find the classes of a figure's name; names of classes may hold what stands between them."""
    return next((a, b) for a in classes for b in classes if name == f"auc_{a}_vs_{b}")


def _title(name: str, classes: list[str]) -> str:
    if name.startswith("auc_"):
        low, high = _pair(name, classes)
        return f"AUC, {high} against {low}"
    return name.replace("macro_auc", "mean AUC, one-vs-rest").replace("_", " ")
