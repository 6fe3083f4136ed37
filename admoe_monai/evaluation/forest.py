"""Forest plot: a figure with its interval per row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from admoe_monai.evaluation.canvas import DATA_COLOURS, INK, QUIET, label, panel


def forest_figure(estimates: Mapping[str, Mapping[str, Any]], across: str, line: float | None = None) -> Figure:
    """Draw estimates from top to bottom; one without a value has its row and nothing in it.

    Args:
        estimates: Fields of an ``Estimate`` per name.
        across: What the horizontal axis shows.
        line: Place of a vertical line: chance, or no difference.
    """
    figure, axis = panel(height=1.0 + 0.32 * len(estimates))
    if line is not None:
        axis.axvline(line, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    for row, estimate in enumerate(estimates.values()):
        if estimate["value"] is None:
            continue
        if estimate["low"] is not None and estimate["high"] is not None:
            axis.plot([estimate["low"], estimate["high"]], [row, row], color=DATA_COLOURS[1], linewidth=2)
        axis.plot([estimate["value"]], [row], marker="o", color=DATA_COLOURS[1], markersize=5)
    axis.set_yticks(range(len(estimates)), [*estimates], color=INK)
    axis.set_ylim(len(estimates) - 0.5, -0.5)
    label(figure, axis, across, "")
    return figure
