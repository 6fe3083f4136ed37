"""The figures of the test split, task by task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from admoe_monai.evaluation.pages.report_page import Section
from admoe_monai.evaluation.pages.wording import in_digits, interval_of, missing, value_of, with_interval
from admoe_monai.people import FEWEST_PEOPLE, people

#: Accuracy comes after what it can't be read without.
FIRST = ("balanced_accuracy", "macro_auc", "accuracy", "macro_f1", "mcc", "brier")
#: Figures of one class, by the beginning of their names.
BY_CLASS = {
    "recall": "sensitivity (recall)",
    "specificity": "specificity",
    "auc_of": "AUC, one-vs-rest",
    "average_precision": "average precision",
}
_TITLES = {
    "macro_auc": "mean AUC, one-vs-rest",
    "macro_f1": "mean F1",
    "mcc": "Matthews correlation",
    "brier": "Brier score (0 is best)",
}


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
        enough = [name for name, count in figures["class_counts"].items() if count["subjects"] >= FEWEST_PEOPLE]
        names = [*FIRST, *(name for name in metrics if _pair(name, enough))]
        rows = [_row(name, metrics[name], figures) for name in names if metrics[name]["value"] is not None]
        section.table(["figure", "value", "95 % interval", "by chance"], rows)
        occurring = [name for name, count in figures["class_counts"].items() if count["subjects"]]
        section.table(["class", "people", *BY_CLASS.values()], [_class_row(name, figures) for name in occurring])
        absent = [label for label, count in figures["class_counts"].items() if not count["subjects"]]
        if absent:
            section.text(f"Nobody of them is labelled {' or '.join(absent)}; means are over the other classes.")
        section.text("Rows: what is true; columns: what the network calls most probable.")
        section.confusion(figures["classes"], figures["confusion"])
    return section


def _row(name: str, metric: Mapping[str, Any], figures: Mapping[str, Any]) -> list[str]:
    counts = {label: count["subjects"] for label, count in figures["class_counts"].items()}
    number, chance = figures["n_subjects"], metric.get("chance")
    by_chance = "" if chance is None else in_digits(chance, number)
    if name == "accuracy":
        label, most = max(counts.items(), key=lambda entry: entry[1])
        by_chance = f"{in_digits(most / number, number)} (always {label})"
    return [_title(name, figures["classes"]), value_of(metric, number), interval_of(metric, number), by_chance]


def _class_row(label: str, figures: Mapping[str, Any]) -> list[str]:
    """Tell of one class: counts in the place of percentages where it has few people."""
    number, metrics = figures["class_counts"][label]["subjects"], figures["metrics"]
    place = figures["classes"].index(label)
    row = figures["confusion"][place]
    recall = f"{row[place]} of {sum(row)}"
    if number < FEWEST_PEOPLE:
        return [label, str(number), recall, *[missing("too few people")] * (len(BY_CLASS) - 1)]
    kinds = {kind: metrics[f"{kind}_{label}"] for kind in BY_CLASS}
    smaller = min(number, figures["n_subjects"] - number)  # of the two groups that all but recall tells apart
    cells = {kind: with_interval(metric, smaller) for kind, metric in kinds.items()}
    chance = kinds["average_precision"]["chance"]
    cells["average_precision"] += f", by chance {in_digits(chance, smaller)}"
    if smaller < FEWEST_PEOPLE:
        cells = dict.fromkeys(kinds, missing("too few people of the others"))
    cells["recall"] = f"{with_interval(kinds['recall'], number)} ({recall})"
    return [label, str(number), *cells.values()]


def _pair(name: str, classes: Sequence[str]) -> tuple[str, str] | None:
    """Find the classes of a figure's name, if it is of two; names of classes may hold what stands between them."""
    return next(((a, b) for a in classes for b in classes if name == f"auc_{a}_vs_{b}"), None)


def _title(name: str, classes: list[str]) -> str:
    pair = _pair(name, classes)
    return f"AUC, {pair[1]} against {pair[0]}" if pair else _TITLES.get(name, name.replace("_", " "))
