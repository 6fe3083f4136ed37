"""Figures of the same people under several conditions, beside those of the first: what is lost, and whether that is sure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from admoe_monai.evaluation.comparison import compare_predictions, predicted_visits
from admoe_monai.evaluation.evaluate import evaluate_predictions
from admoe_monai.evaluation.pages.text import format_interval, format_number, render_table
from admoe_monai.evaluation.pages.wording import never_varies
from admoe_monai.evaluation.predictions import PredictionTable

#: Figures that are told, with their names.
FIGURES = {"balanced_accuracy": "balanced accuracy", "macro_auc": "mean AUC"}


def stress_figures(tables: Mapping[str, PredictionTable], n_boot: int = 2000, seed: int = 0) -> dict[str, Any]:
    """Evaluate each condition, and its paired difference to the first.

    Args:
        tables: Predictions per condition, of the same visits; the first is what the others are held against.
        n_boot: Number of resamples of people.
        seed: Seed of the resampling.

    Returns:
        Per task with a labelled visit ``n_subjects``, ``class_counts`` and ``conditions``: per name ``metrics`` (of
        ``FIGURES``, as :func:`evaluate_predictions` gives them), ``minus`` (the fields of ``Estimate`` for each figure minus
        that of the first condition; empty for the first) and ``other_calls`` (people who are called another class).
    """
    first, reference = next(iter(tables.items()))
    found: dict[str, Any] = {}
    for task, names in reference.classes.items():
        whole = {
            name: evaluate_predictions(PredictionTable(table.frame, {task: names}), {task: names}, n_boot, seed)[task]
            for name, table in tables.items()
        }
        if not whole[first]["n_subjects"]:
            continue
        conditions: dict[str, Any] = {}
        for name, table in tables.items():
            minus = {}
            if name != first:
                differences = compare_predictions(table, reference, task, n_boot, seed)["differences"]
                minus = {figure: differences[figure] for figure in FIGURES if figure in differences}
            conditions[name] = {
                "metrics": {figure: whole[name]["metrics"][figure] for figure in FIGURES},
                "minus": minus,
                "other_calls": _other_calls(table, reference, task),
            }
        counts = {name: count["subjects"] for name, count in whole[first]["class_counts"].items()}
        found[task] = {"n_subjects": whole[first]["n_subjects"], "class_counts": counts, "conditions": conditions}
    return found


def surely_other(conditions: Mapping[str, Any]) -> tuple[list[str], list[str], int]:
    """Sort out which differences have an interval without zero.

    Args:
        conditions: Entry of a task in the result of :func:`stress_figures`.

    Returns:
        Names of the conditions with a figure that is surely lower, of those with one that is surely higher, and the number
        of differences that have an interval.
    """
    worse, better, number = [], [], 0
    for name, entry in conditions.items():
        intervals = [(e["low"], e["high"]) for e in entry["minus"].values() if e["low"] is not None]
        number += len(intervals)
        if any(high < 0 for _, high in intervals):
            worse.append(name)
        if any(low > 0 for low, _ in intervals):
            better.append(name)
    return worse, better, number


def verdict(conditions: Mapping[str, Any]) -> list[str]:
    """Say in sentences which conditions matter, and how many intervals were looked at for that.

    Args:
        conditions: Entry of a task in the result of :func:`stress_figures`.
    """
    worse, better, number = surely_other(conditions)
    if not number and (same := _unmoved(conditions)):
        return same
    if not number:
        return ["So few people can't tell what any of these changes."]
    return [
        f"Worse, with an interval below zero: {', '.join(worse) or 'none'}.",
        *([f"Better, with an interval above zero: {', '.join(better)}."] if better else []),
        f"Elsewhere these people can't tell. Of {number} intervals of 95 %, about {0.05 * number:.1f} exclude zero by chance "
        "alone.",
    ]


def _unmoved(conditions: Mapping[str, Any]) -> list[str]:
    """Say so where intervals are missing as no resample moves a difference, not for want of people."""
    found = [estimate for entry in conditions.values() for estimate in entry["minus"].values()]
    if not found or not all(map(never_varies, found)):
        return []
    if any(estimate["value"] for estimate in found):
        return ["Every resample of these people gives the same differences, so that nothing says how sure they are."]
    others = sum(entry["other_calls"] for entry in conditions.values())
    return [
        "No figure changes in any resample of these people.",
        *([] if others else ["All are called what they were."]),
    ]


def format_stress(figures: Mapping[str, Any], width: int = 100) -> str:
    """Format the result of :func:`stress_figures` as plain text, one table per task and figure.

    Args:
        figures: Result of :func:`stress_figures`.
        width: Largest width of the tables, in characters.
    """
    return "\n\n".join("\n".join(_task_lines(task, entry, width)) for task, entry in figures.items())


def _task_lines(task: str, entry: Mapping[str, Any], width: int) -> Iterator[str]:
    counts = ", ".join(f"{name} {count}" for name, count in entry["class_counts"].items())
    yield f"{task}: {entry['n_subjects']} subjects ({counts}), first labelled visit of each"
    for figure, title in FIGURES.items():
        table = Table(title, "value", "95% interval", "minus", "95% interval", "other calls", box=box.SIMPLE)
        for name, condition in entry["conditions"].items():
            metric, minus = condition["metrics"][figure], condition["minus"].get(figure)
            difference = (
                ["", ""] if minus is None else [_signed(minus["value"]), format_interval(minus["low"], minus["high"])]
            )
            own = [format_number(metric["value"]), format_interval(metric["low"], metric["high"])]
            table.add_row(name, *own, *difference, str(condition["other_calls"]) if difference[0] else "")
        yield from render_table(table, width)
    yield "minus: this condition minus undisturbed, the same people drawn for both"
    yield from verdict(entry["conditions"])


def _signed(value: float) -> str:
    rounded = round(value, 3) + 0.0  # no negative zero
    return f"{rounded:+.3f}" if rounded else "0.000"


def _other_calls(table: PredictionTable, reference: PredictionTable, task: str) -> int:
    called: Sequence[Any] = [
        predicted_visits(each, task).groupby(level="person_id", sort=False).head(1)[each.columns(task)].idxmax(axis=1)
        for each in (table, reference)
    ]
    return int((called[0] != called[1]).sum())
