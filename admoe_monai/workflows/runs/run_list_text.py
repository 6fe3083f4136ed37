"""Table of runs as a terminal of any width shows it, and as a program reads it line by line."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from rich.console import Console
from rich.table import Table

from admoe_monai.metrics_rows import Best

from .run_list import RunSummary

_GAP = 2
_LEAST_NAME = 16
#: Columns that go first where the terminal is narrow, in this order; no figure is ever cut.
_DISPENSABLE = ("ran", "val loss", "phase", "last sign", "best acc")
_UNITS = (
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
    (timedelta(seconds=1), "s"),
)


def lines_of_runs(runs: Sequence[RunSummary], width: int | None, now: datetime | None = None) -> list[str]:
    """Format runs as a table, with a line below for each that can't be told.

    Args:
        runs: Runs in their order.
        width: Width of the terminal in characters; None for lines that are as long as they need to be.
        now: Moment from which times are counted back; the present by default.
    """
    told = [run for run in runs if run.state is not None]
    lines = []
    if told:
        cells = [_cells(run, None if width is None else now or datetime.now().astimezone()) for run in told]
        lines = [*_table(cells, width), "epochs: done of planned; @: the epoch of the figure, counted from 0"]
    return [*lines, *(f"{run.name}: {run.problem}" for run in runs if run.problem)]


def _cells(run: RunSummary, now: datetime | None) -> dict[str, str]:
    return {
        "run": run.name,
        "state": run.state or "-",
        "phase": run.phase or "-",
        "epochs": f"{0 if run.epoch is None else run.epoch + 1}/{run.max_epochs}",
        "best acc": _figure(run.best_val_acc),
        "val loss": _figure(run.lowest_val_loss),
        "last sign": _moment(run.last_sign, now),
        "ran": "-" if run.seconds is None else _span(timedelta(seconds=run.seconds)),
    }


def _table(rows: Sequence[dict[str, str]], width: int | None) -> list[str]:
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
    whole = sum(widths.values()) + _GAP * len(widths)
    for name in _DISPENSABLE:
        if width is None or _needed(widths) <= width:
            break
        del widths[name]
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for name in widths:
        table.add_column(name, overflow="fold", no_wrap=name != "run")
    for row in rows:
        table.add_row(*(row[name] for name in widths))
    text = io.StringIO()
    # What still does not fit is left to the terminal to break.
    room = whole if width is None else max(width, _needed(widths))
    Console(file=text, width=room, color_system=None, highlight=False, markup=False).print(table)
    return [line.rstrip() for line in text.getvalue().splitlines()]


def _needed(widths: Mapping[str, int]) -> int:
    return min(widths["run"], _LEAST_NAME) + sum(widths.values()) - widths["run"] + _GAP * len(widths)


def _figure(best: Best | None) -> str:
    return "-" if best is None else f"{best.value:.3f}@{best.epoch}"


def _moment(moment: datetime | None, now: datetime | None) -> str:
    if moment is None:
        return "-"
    return moment.strftime("%Y-%m-%d %H:%M") if now is None else f"{_span(now - moment)} ago"


def _span(span: timedelta) -> str:
    """Format a length of time in its largest unit: `3 h`."""
    for unit, name in _UNITS:
        if span >= unit:
            return f"{span // unit} {name}"
    return "0 s"
