"""Pictures of what a disturbance costs: balanced accuracy over its strength, from the scans as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from admoe_monai.evaluation.pages.canvas import DATA_COLOURS, label, legend, panel
from admoe_monai.evaluation.run_pictures import COLOURS, figure_to_png

#: Strength and the fields of an ``Estimate``, per task.
Points = Mapping[str, Sequence[tuple[float, Mapping[str, Any]]]]


def stress_figure(unit: str, points: Points) -> Figure:
    """Draw one disturbance for a page.

    Args:
        unit: Unit of the strengths.
        points: Points of each task.
    """
    figure, axis = panel()
    _draw(axis, points, DATA_COLOURS)
    label(figure, axis, unit, "balanced accuracy", columns=2)
    return figure


def stress_png(panels: Mapping[str, tuple[str, Points]]) -> bytes:
    """Draw all disturbances side by side, as the bytes of a PNG file.

    Args:
        panels: Unit and points per title.
    """
    figure = Figure(figsize=(0.6 + 2.6 * len(panels), 2.9), dpi=110, layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axis, (title, (unit, points)) in zip(axes, panels.items(), strict=True):
        _draw(axis, points, COLOURS)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel(unit, fontsize=9)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("balanced accuracy", fontsize=9)
    tasks = max(len(points) for _, points in panels.values())
    legend(figure, axes[0], loc="outside lower center", fontsize=9, frameon=False, ncols=max(tasks, 1))
    return figure_to_png(figure)


def _draw(axis: Axes, points: Points, colours: Sequence[str]) -> None:
    """Draw a line per task; those of several stand a little apart, so that their intervals can be told from each other."""
    reach = max((strength for line in points.values() for strength, _ in line), default=1.0)
    for place, ((task, line), colour) in enumerate(zip(points.items(), cycle(colours[1:]), strict=False)):
        shift = 0.02 * reach * (place - (len(points) - 1) / 2)
        known = [(strength + shift, each) for strength, each in line if each["value"] is not None]
        axis.plot(*zip(*((at, each["value"]) for at, each in known), strict=True), "o-", color=colour, ms=4, label=task)
        for at, each in known:
            if each["low"] is not None:
                axis.plot([at, at], [each["low"], each["high"]], color=colour, linewidth=1.5, alpha=0.6)
    places = sorted({strength for line in points.values() for strength, _ in line})
    axis.set_xticks(places, [f"{place:g}" if place else "as is" for place in places])
    axis.set_xlim(-0.06 * reach, 1.06 * reach)
    axis.set_ylim(-0.02, 1.02)
