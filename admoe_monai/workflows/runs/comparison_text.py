"""Tables of a comparison of runs, for a terminal."""

from __future__ import annotations

import json
import string
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from admoe_monai.evaluation.pages.text import format_interval, format_number, render_table

#: Width where no terminal sets one.
PIPED = 10_000
_LEAST_FOLDED, _GAP = 8, 3


def lines_of_comparison(found: Mapping[str, Any], width: int | None) -> list[str]:
    """Format the result of `compare_runs`.

    Args:
        found: The result.
        width: Width of the terminal in characters; None for lines that are as long as they need to be.
    """
    letters = letters_for(found["runs"])
    lines = [f"{letter}: {run}" for letter, run in zip(letters, found["runs"], strict=True)]
    for title, key in (("settings that differ", "settings"), ("versions and machines that differ", "environment")):
        lines += _section(title, letters, found[key], width)
    lines += _section("code and contents that differ (digests)", letters, found["digests"], width)
    same = {True: "the same", False: "not the same", None: "not known: a run has no checkpoint yet"}
    lines += ["", f"datalist: {same[found['same_datalist']]}"]
    validation = {name: [_validated(value) for value in row] for name, row in found["validation"].items()}
    lines += _section("validation (one figure each, no interval)", letters, validation, width)
    lines += _test(letters, found["test"], width)
    for letter, tasks in zip(letters[1:], found["differences"], strict=True):
        for task, difference in tasks.items():
            lines += _paired(f"{task}, {letter} minus {letters[0]}", difference, width)
    return lines


def letters_for(runs: Sequence[Any]) -> list[str]:
    """Give each run a short name for the heads of columns: A, B, …, Z, then numbers."""
    return [*string.ascii_uppercase, *map(str, range(27, len(runs) + 1))][: len(runs)]


def text_table(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int | None, whole: int = 1) -> list[str]:
    """Format a table in which nothing is cut.

    Args:
        heads: Heads of the columns.
        rows: Cells.
        width: Width in characters; None for lines that are as long as they need to be.
        whole: Number of first columns that stay on one line; the others are folded where the terminal is narrow.
    """
    table = Table(box=box.SIMPLE)
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for number, head in enumerate(heads):
        table.add_column(head, overflow="fold", no_wrap=number < whole)
    for row in rows:
        table.add_row(*row)
    # What does not fit is left to the terminal to break.
    least = sum(widths[:whole]) + _LEAST_FOLDED * len(widths[whole:]) + _GAP * (len(widths) + 1)
    return render_table(table, PIPED if width is None else max(width, least))


def lines_of_notes(notes: Mapping[str, str | None], width: int | None) -> list[str]:
    """Format remarks on figures, one line for all that have the same.

    Args:
        notes: Remark by figure, if there is one.
        width: Width in characters; None for lines that are as long as they need to be.
    """
    by_note: dict[str, list[str]] = {}
    for name, note in notes.items():
        if note:
            by_note.setdefault(note, []).append(name)
    lines = [f"{note}: {', '.join(names)}" for note, names in by_note.items()]
    return [part for line in lines for part in textwrap.wrap(line, width or PIPED, break_long_words=False)]


def _section(title: str, letters: Sequence[str], rows: Mapping[str, Sequence[Any]], width: int | None) -> list[str]:
    if not rows:
        return ["", f"{title}: none"]
    cells = [[name, *map(_cell, values)] for name, values in rows.items()]
    return ["", title, *text_table(["", *letters], cells, width)]


def _cell(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _validated(value: Any) -> Any:
    return f"{format_number(value['value'])}@{value['epoch']}" if isinstance(value, Mapping) else value


def _test(letters: Sequence[str], evaluations: Sequence[Mapping[str, Any] | None], width: int | None) -> list[str]:
    lines = [""]
    if None in evaluations:
        without = ", ".join(letter for letter, found in zip(letters, evaluations, strict=True) if found is None)
        lines.append(f"test: {without} not evaluated; `admoe evaluate RUN` does it")
    known = {letter: found for letter, found in zip(letters, evaluations, strict=True) if found is not None}
    for letter, found in known.items():
        note = " (SIMULATED)" if found["simulated"] else ""
        lines.append(f"test of {letter}: {found['cohort']}{note}, {found['checkpoint']}")
    for task in dict.fromkeys(task for found in known.values() for task in found["figures"]):
        own = {letter: found["figures"][task] for letter, found in known.items() if task in found["figures"]}
        names = dict.fromkeys(name for figures in own.values() for name in figures["metrics"])
        rows = [[name, *(_estimate(figures["metrics"].get(name)) for figures in own.values())] for name in names]
        heads = [f"{letter} (n = {figures['n_subjects']})" for letter, figures in own.items()]
        lines += ["", f"test, {task}: value and 95 % interval", *text_table(["", *heads], rows, width)]
    return lines


def _estimate(metric: Mapping[str, Any] | None) -> str:
    if metric is None or metric["value"] is None:
        return "-"
    return f"{format_number(metric['value'])} {format_interval(metric['low'], metric['high'])}"


def _paired(title: str, difference: Mapping[str, Any], width: int | None) -> list[str]:
    if "problem" in difference:
        return ["", f"{title}: no difference, since {difference['problem']}"]
    entries = difference["differences"]
    rows = [
        [name, format_number(entry["value"]), format_interval(entry["low"], entry["high"])]
        for name, entry in entries.items()
    ]
    unpaired = f"; {difference['n_unpaired']} visits in only one of them" if difference["n_unpaired"] else ""
    return [
        "",
        f"{title}: n = {difference['n_subjects']} subjects, the same for both{unpaired}",
        *text_table(["", "difference", "95 % interval"], rows, width, whole=3),
        *lines_of_notes({name: entry["note"] for name, entry in entries.items()}, width),
    ]
