"""Forest plot: a figure with its interval per row."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import Any

from matplotlib.figure import Figure

from admoe_monai.evaluation.pages.canvas import DATA_COLOURS, INK, QUIET, label, panel

#: Letters of a line beside the panel, and below it: more would be cut off, or leave it no room.
BESIDE, BELOW = 24, 30


def forest_figure(estimates: Mapping[str, Mapping[str, Any]], across: str, line: float | None = None) -> Figure:
    """Draw estimates from top to bottom; one without a value has its row and nothing in it.

    Args:
        estimates: Fields of an ``Estimate`` per name.
        across: What the horizontal axis shows.
        line: Place of a vertical line: chance, or no difference.
    """
    names, below = [fill(name, BESIDE) for name in estimates], fill(across, BELOW)
    figure, axis = panel(height=1.0 + 0.16 * (sum(2 + name.count("\n") for name in names) + below.count("\n")))
    if line is not None:
        axis.axvline(line, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    for row, estimate in enumerate(estimates.values()):
        if estimate["value"] is None:
            continue
        if estimate["low"] is not None and estimate["high"] is not None:
            axis.plot([estimate["low"], estimate["high"]], [row, row], color=DATA_COLOURS[1], linewidth=2)
        axis.plot([estimate["value"]], [row], marker="o", color=DATA_COLOURS[1], markersize=5)
    axis.set_yticks(range(len(names)), names, color=INK)
    axis.set_ylim(len(estimates) - 0.5, -0.5)
    label(figure, axis, below, "")
    return figure
