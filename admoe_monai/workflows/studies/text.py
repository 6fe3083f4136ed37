"""A study in a terminal: what is left to do, and its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from admoe_monai.evaluation.pages.wording import interval_of, value_of
from admoe_monai.handlers import duration
from admoe_monai.workflows.runs.comparison_text import text_table

from .wording import compared_cells, figure_name, right_in_words


def lines_of_plan(rows: Sequence[Mapping[str, Any]], cores: int, width: int | None) -> list[str]:
    """Format what `expected` tells.

    Args:
        rows: One per arm.
        cores: Number of cells side by side.
        width: Width of the terminal in characters; None for lines that are as long as they need to be.
    """
    heads = ["arm", "cells", "done", "begun", "time each", "disk each", "measured at"]
    cells = [
        [
            row["arm"],
            *(str(row[key]) for key in ("cells", "done", "begun")),
            "-" if row["seconds"] is None else duration(row["seconds"]),
            "-" if row["bytes"] is None else f"{row['bytes'] / 1e6:.0f} MB",
            row["of"] or "-",
        ]
        for row in rows
    ]
    number, done = (sum(row[key] for row in rows) for key in ("cells", "done"))
    lines = [*text_table(heads, cells, width), f"{number} cells, {done} done, {number - done} to do"]
    if all(row["of"] is None for row in rows):
        return [*lines, "what a cell takes is known once one is finished: --first runs the first alone"]
    left = sum(row["seconds_left"] or 0 for row in rows) / cores
    disk = sum((row["bytes"] or 0) * row["cells"] for row in rows)
    return [*lines, f"about {duration(left)} left with {cores} at a time; {disk / 1e9:.2f} GB in the end"]


def lines_of_study(found: Mapping[str, Any], width: int | None) -> list[str]:
    """Format the primary figure of all arms and their differences to the reference.

    Args:
        found: Result of `pool_study`.
        width: Width of the terminal in characters; None for lines that are as long as they need to be.
    """
    figures, figure, reference = found["figures"], found["primary"]["figure"], found["reference"]
    number = figures["n_subjects"]
    rows = []
    for arm, own in figures["arms"].items():
        metric, difference = own["metrics"][figure], figures["differences"].get(arm, {}).get(figure)
        if metric["value"] is None:
            rows.append([arm, right_in_words(own["right"], figures), "", "", "", ""])
            continue
        compared = compared_cells(difference, number)
        rows.append([arm, value_of(metric, number), interval_of(metric, number), *compared])
    heads = ["arm", figure_name(figure), "95 % interval", f"minus {reference}", "95 % interval", ""]
    counts = ", ".join(f"{name} {count}" for name, count in figures["class_counts"].items())
    lines = [f"{found['primary']['task']}: {number} test people ({counts}), {len(figures['folds'])} folds"]
    note = figures["arms"][reference]["metrics"][figure]["note"]
    return [*lines, *text_table(heads, rows, width), *([f"note: {note}"] if note else [])]
