"""Pictures of maps over scans: grey brains, and colours where the map is far from zero.

Volumes are in RAS orientation and are drawn as they are: left is left, unlike in radiology.
Axis letters: *S spatial axes, two or three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

Values = NDArray[np.floating[Any]]

PANEL_INCHES = 2.1
PLANES = ("sagittal", "coronal", "axial")
#: What stands at the four edges of each plane, from left to right and from below to above.
EDGES = (("P", "A", "I", "S"), ("L", "R", "I", "S"), ("L", "R", "P", "A"))
EDGE_PLACES = (
    (0.02, 0.5, "left", "center"),
    (0.98, 0.5, "right", "center"),
    (0.5, 0.02, "center", "bottom"),
    (0.5, 0.98, "center", "top"),
)
AXES = "xyz"
COLOURS = "coolwarm"
#: Colours are clear below this share of the strongest value, and full from the second share on.
CLEAR, FULL = 0.15, 0.6
#: The scale ends at this percentile of the map's size, so that single voxels don't set it.
STRONGEST = 99.8


def map_figure(
    maps: Mapping[str, Values],
    scan: Values,
    affine: NDArray[np.float64],
    unit: str,
    title: str = "",
    foreground: Values | NDArray[np.bool_] | None = None,
) -> Figure:
    """Draw maps over one scan, one row each, all on one scale, cut where the first map is strongest.

    Three planes of a volume, the one there is of a slice.

    Args:
        maps: Map (*S) by the text at its row.
        scan: What is drawn in grey below, (*S).
        affine: Matrix (4, 4) from voxel indices to mm, without rotation.
        unit: Unit of the maps, for the colour bar.
        title: Title above.
        foreground: Share of scans whose head covers the voxel, (*S): elsewhere no colours are drawn.
    """
    first = next(iter(maps.values()))
    head = np.ones(first.shape, dtype=bool) if foreground is None else np.asarray(foreground, dtype=float) > 0.5
    shown = {name: np.where(head, values, 0.0) for name, values in maps.items()}
    strongest = max(float(np.percentile(abs(values), STRONGEST)) for values in shown.values()) or 1.0
    place = np.unravel_index(int(np.argmax(abs(next(iter(shown.values()))))), first.shape)
    cuts: list[int | None] = [0, 1, 2] if first.ndim == 3 else [None]
    steps = np.linalg.norm(affine[:3, : first.ndim], axis=0)
    figure = Figure(
        figsize=(max(PANEL_INCHES * len(cuts) + 1.6, 4.2), PANEL_INCHES * len(maps) + 0.6),
        dpi=110,
        layout="constrained",
    )
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(maps), len(cuts), squeeze=False)
    scale = Normalize(-strongest, strongest)
    # Zero is the mean grey of a head, and of what lies outside of it.
    dark, bright = np.percentile(scan[head], [0.5, 99.5]) if head.any() else (0.0, 1.0)
    below = np.where(head, scan, dark)
    for number, (row, (name, values)) in enumerate(zip(panels, shown.items(), strict=True)):
        for axis, across in zip(row, cuts, strict=True):
            aspect = _aspect(steps, across)
            axis.imshow(_cut(below, place, across), cmap="gray", vmin=dark, vmax=bright, origin="lower", aspect=aspect)
            plane = _cut(values, place, across)
            seen = np.clip((abs(plane) / strongest - CLEAR) / (FULL - CLEAR), 0, 1)
            axis.imshow(plane, cmap=COLOURS, norm=scale, alpha=seen, origin="lower", aspect=aspect)
            axis.set(xticks=[], yticks=[])
            if across is not None:
                _say_where(axis, across, place, affine, titled=number == 0)
        row[0].set_ylabel(name, fontsize=9)
    # Not of a picture with shades of its own, whose bar would have them too.
    bar = figure.colorbar(ScalarMappable(scale, COLOURS), ax=panels, shrink=0.8 if len(maps) > 1 else 1.0, aspect=25)
    bar.set_label(unit, fontsize=8)
    bar.ax.tick_params(labelsize=8)
    if title:
        figure.suptitle(title, fontsize=10)
    return figure


def _cut(volume: Values, place: Sequence[Any], across: int | None) -> Values:
    """Cut a plane: the first remaining axis to the right, the second upwards with ``origin="lower"``."""
    plane = volume if across is None else volume.take(int(place[across]), axis=across)
    return np.asarray(plane.T)


def _aspect(steps: NDArray[np.float64], across: int | None) -> float:
    right, up = [step for axis, step in enumerate(steps) if axis != across]
    return float(up / right)


def _say_where(axis: Any, across: int, place: Sequence[Any], affine: NDArray[np.float64], titled: bool) -> None:
    if titled:
        position = affine[across, across] * float(place[across]) + affine[across, 3]
        axis.set_title(f"{PLANES[across]}, {AXES[across]} = {position:.0f} mm", fontsize=8)
    for letter, (x, y, horizontal, vertical) in zip(EDGES[across], EDGE_PLACES, strict=True):
        axis.text(x, y, letter, transform=axis.transAxes, ha=horizontal, va=vertical, fontsize=7, color="white")
