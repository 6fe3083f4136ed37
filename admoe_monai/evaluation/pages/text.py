"""Plain-text tables of figures, for terminals and logs."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from admoe_monai.evaluation.prediction_sets import sizes_in_words
from admoe_monai.people import FEWEST_PEOPLE, people

_SPELLED = {
    "balanced_": "balanced ", "macro_auc": "mean AUC", "macro_f1": "mean F1", "mcc": "Matthews correlation",
    "brier": "Brier score", "auc_of_": "AUC vs rest of ", "auc_": "AUC ", "recall_": "recall of ",
    "specificity_": "specificity of ", "average_precision_": "average precision of ",
}  # fmt: skip


def format_evaluation(evaluation: Mapping[str, Mapping[str, Any]], width: int = 100) -> str:
    """Format the result of ``evaluate_predictions``: per task who was evaluated, and each figure with its interval.

    Args:
        evaluation: Result of ``evaluate_predictions``.
        width: Largest width of the tables, in characters.
    """
    parts = []
    for task, figures in evaluation.items():
        lines = [_headline(task, figures), *render_table(task_table(figures), width), *_footnotes(figures)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def format_reconstruction(comparison: Mapping[str, Any], width: int = 100) -> str:
    """Format the result of ``compare_reconstructions``.

    Args:
        comparison: Errors per method, and differences of the model to its baselines.
        width: Largest width of the table, in characters.
    """
    table = Table("mean absolute error", "value", "95% interval", box=box.SIMPLE)
    for group, prefix in (("errors", ""), ("model_minus", "model minus ")):
        for name, estimate in comparison[group].items():
            table.add_row(
                prefix + name.replace("_", " "),
                format_number(estimate["value"]),
                format_interval(estimate["low"], estimate["high"]),
            )
    head = f"reconstruction: {comparison['n_subjects']} subjects, {comparison['n_images']} scans"
    return "\n".join(
        [head, *render_table(table, width), "over masked foreground, in standard deviations of its intensity"]
    )


def format_calibration(splits: Mapping[str, Mapping[str, Mapping[str, Any]]], width: int = 100) -> str:
    """Format how well probabilities are calibrated, before and after temperature scaling.

    Args:
        splits: Result of ``fit_temperatures`` or ``compare_calibration`` per split.
        width: Largest width of the table, in characters.
    """
    table = Table("calibration", "split", "subjects", "visits", "log loss", "Brier", "ECE", box=box.SIMPLE)
    for split, tasks in splits.items():
        for task, entry in tasks.items():
            figures = [
                f"{format_number(entry['before'][name])} → {format_number(entry['after'][name])}"
                for name in ("log_loss", "brier", "ece")
            ]
            at = f" (T = {entry['temperature']:.2f})" if "temperature" in entry else ""
            table.add_row(task + at, split, str(entry["n_subjects"]), str(entry["n_visits"]), *figures)
    return "\n".join([*render_table(table, width), "one temperature per task, fitted on the validation split"])


def format_sets(found: Mapping[str, Mapping[str, Any]], width: int = 100) -> str:
    """Format how often prediction sets hold the true class, beside what was promised.

    Args:
        found: Result of ``evaluate_sets``.
        width: Largest width of the table, in characters.
    """
    table = Table("prediction sets", "promised", "found", "", "95% interval", "fitted on", box=box.SIMPLE)
    sizes = []
    for task, figures in found.items():
        for name, own in figures["classes"].items():
            share = own["coverage"]
            few = own["n_subjects"] < FEWEST_PEOPLE
            table.add_row(
                f"{task}: {name}",
                f"{figures['promised']:.0%}" if own["least_probability"] else "in every set",
                "-" if few else f"{share['value']:.0%}",
                f"{own['held']} of {own['n_subjects']}",
                format_interval(share["low"], share["high"]),
                people(own["n_fitted"]),
            )
        if figures["n_subjects"]:
            mean = format_number(figures["mean_size"]["value"])
            sizes.append(
                f"{task}: {sizes_in_words(figures['sizes'])} of {figures['n_subjects']} sets; {mean} on average"
            )
    notes = "people whose set holds their class, at the first labelled visit; fitted on the validation split"
    return "\n".join([*render_table(table, width), *sizes, notes])


def task_table(figures: Mapping[str, Any]) -> Table:
    """Build the table of one task's figures, for a console or for ``format_evaluation``.

    Args:
        figures: Entry of the task in the result of ``evaluate_predictions``.
    """
    table = Table("figure", "value", f"{figures['interval']['level']:.0%} interval", "chance", "note", box=box.SIMPLE)
    few = _thin(figures)
    for name, metric in figures["metrics"].items():
        if _of_a_class(name, few, figures["classes"]):
            continue
        chance = metric.get("chance")
        table.add_row(
            _spelled(name),
            _counted(name, figures) or format_number(metric["value"]),
            format_interval(metric["low"], metric["high"]),
            "" if chance is None else format_number(chance),
            metric["note"] or "",
        )
    return table


def _thin(figures: Mapping[str, Any]) -> dict[str, int]:
    """Find the classes of fewer people than a figure needs, with their number."""
    counts = {name: count["subjects"] for name, count in figures["class_counts"].items()}
    return {name: number for name, number in counts.items() if 0 < number < FEWEST_PEOPLE}


def _of_a_class(name: str, classes: Collection[str], others: Collection[str]) -> bool:
    """Tell whether a figure is of one of these classes alone, or of one against another; a recall is counted instead."""
    alone = {f"{kind}_{label}" for label in classes for kind in ("auc_of", "average_precision")}
    pairs = {f"auc_{a}_vs_{b}" for a in others for b in others if a in classes or b in classes}
    return name in alone | pairs


def _spelled(name: str) -> str:
    """Write out the name of a figure; those of classes stay as they are."""
    for code, words in _SPELLED.items():
        if name.startswith(code):
            return words + name.removeprefix(code).replace("_vs_", " vs ")
    return name.replace("_", " ")


def _counted(name: str, figures: Mapping[str, Any]) -> str:
    """Count in the place of a share of few people: the recall of a class that no interval is given for."""
    label = name.removeprefix("recall_")
    if label == name or not 0 < figures["class_counts"][label]["subjects"] < FEWEST_PEOPLE:
        return ""
    place = figures["classes"].index(label)
    row = figures["confusion"][place]
    return f"{row[place]} of {sum(row)}"


def render_table(table: Table, width: int) -> list[str]:
    """Turn a table into the lines of a plain text.

    Args:
        table: Table to print.
        width: Largest width in characters.
    """
    text = io.StringIO()
    Console(file=text, width=width, color_system=None, highlight=False, markup=False).print(table)
    return [line.rstrip() for line in text.getvalue().splitlines() if line.strip()]


def format_number(value: float | None) -> str:
    """Format a number with three decimals, or a dash for what is undefined."""
    return "-" if value is None else f"{value:.3f}"


def format_interval(low: float | None, high: float | None) -> str:
    """Format an interval as both ends in brackets, or a dash for an interval that was withheld."""
    return "-" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"


def _headline(task: str, figures: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{name} {count['subjects']}" for name, count in figures["class_counts"].items())
    return f"{task}: {figures['n_subjects']} subjects ({counts}), {figures['n_visits']} visits"


def _footnotes(figures: Mapping[str, Any]) -> list[str]:
    interval = figures["interval"]
    notes = [f"visits: {figures['visits_used']}; intervals: {interval['method']}, {interval['n_boot']} resamples"]
    if few := _thin(figures):
        named = ", ".join(f"{name} ({number})" for name, number in few.items())
        notes.append(f"no AUC and no average precision of classes with fewer than {FEWEST_PEOPLE} subjects: {named}")
    if figures["n_without_prediction"]:
        notes.append(f"left out for want of a prediction: {figures['n_without_prediction']} visits")
    return notes
