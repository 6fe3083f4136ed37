"""What a study has done and what is left, with the time and the disk that its first finished cells took."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from admoe_monai.workflows.runs.run_list import list_runs

from .cells import CELLS, Cell

DONE, BEGUN, LEFT = "done", "begun", "left"


def expected(cells: Sequence[Cell], folder: Path) -> list[dict[str, Any]]:
    """Count the cells of each arm and tell what they take.

    Args:
        cells: Cells of the study.
        folder: Its folder; it need not be there.

    Returns:
        Per arm: ``arm``, ``cells``, ``done``, ``begun``, ``seconds`` and ``bytes`` of one cell, ``of`` (the arm whose cell they
        were measured at; None where nothing is finished yet), and ``seconds_left``.
    """
    runs = list_runs(folder / CELLS) if (folder / CELLS).is_dir() else []
    seconds = {run.folder.name: run.seconds for run in runs}
    measured: dict[str, tuple[float, int]] = {}
    for cell in cells:
        taken = seconds.get(cell.name)
        if state_of(cell) == DONE and taken is not None and cell.arm.name not in measured:
            measured[cell.arm.name] = (taken, bytes_in(cell.run_dir))
    rows = []
    for name in dict.fromkeys(cell.arm.name for cell in cells):
        own = [cell for cell in cells if cell.arm.name == name]
        states = [state_of(cell) for cell in own]
        of = name if name in measured else next(iter(measured), None)
        one = measured.get(of) if of is not None and own[0].arm.model == "network" else None
        rows.append(
            {
                "arm": name,
                "cells": len(own),
                DONE: states.count(DONE),
                BEGUN: states.count(BEGUN),
                "seconds": None if one is None else one[0],
                "bytes": None if one is None else one[1],
                "of": None if one is None else of,
                "seconds_left": None if one is None else one[0] * (len(own) - states.count(DONE)),
            }
        )
    return rows


def state_of(cell: Cell) -> str:
    """Tell whether a cell is done, begun or left.

    Args:
        cell: The cell.
    """
    return DONE if cell.marker.exists() else BEGUN if cell.run_dir.is_dir() else LEFT


def bytes_in(folder: Path) -> int:
    """Add up the sizes of the files in a folder, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
