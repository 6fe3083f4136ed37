"""Geometry of a DICOM series: the order of its slices and the affine, or the reason why it has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .scan import ScanFileError

__all__ = ["Slice", "series_affine"]

#: Steps may differ by this share of a step, and slices be shifted by this share of a pixel: positions are rounded.
SAME_STEP, SAME_PLACE = 0.05, 0.5
#: Direction cosines may differ by this much, about a twentieth of a degree.
SAME_DIRECTION = 1e-3
#: Slices named in one message.
NAMED = 3


@dataclass(frozen=True)
class Slice:
    """One slice of a series.

    Attributes:
        file: File that holds it.
        frame: Number within a file of several, from 0.
        name: Name for messages.
        rows: Pixels from top to bottom.
        columns: Pixels from left to right.
        position: Centre of its first pixel in mm, LPS (ImagePositionPatient).
        orientation: Directions along a row and down a column (ImageOrientationPatient).
        spacing: Distance in mm from row to row and from column to column (PixelSpacing).
        between: Distance in mm from slice to slice, as the header states it (SpacingBetweenSlices).
        number: Number of the slice (InstanceNumber).
    """

    file: Path
    frame: int
    name: str
    rows: int
    columns: int
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
    between: tuple[float, ...] | None
    number: int | None


def series_affine(slices: Sequence[Slice]) -> tuple[list[Slice], NDArray[np.float64]]:
    """Sort slices by position and compute their affine.

    Args:
        slices: One or more slices of one series.

    Returns:
        The slices, and the affine from (column, row, slice) to mm, LPS.

    Raises:
        ScanFileError: If their geometry is not that of a volume; it names the number of slices and their places.
    """
    for name, meaning in (("position", "ImagePositionPatient"), ("orientation", "ImageOrientationPatient"),
                          ("spacing", "PixelSpacing")):  # fmt: skip
        without = [part for part in slices if getattr(part, name) is None]
        if without:
            raise ScanFileError(
                f"has {len(without)} of {len(slices)} slices without {meaning} ({_named(without)}): where they lie is unknown"
            )
    _check_alike(slices)
    along, down = np.array(slices[0].orientation, dtype=np.float64).reshape(2, 3)
    if abs(np.linalg.norm(along) - 1) > SAME_STEP or abs(along @ down) > SAME_DIRECTION:
        raise ScanFileError(f"has slices whose directions are none: {slices[0].orientation} in {slices[0].name}")
    normal = np.cross(along, down)
    ordered = sorted(slices, key=lambda part: float(np.dot(normal, part.position or ())))
    positions = np.array([part.position for part in ordered])
    depths = positions @ normal
    step = _step(ordered, depths)
    affine = np.eye(4)
    between_rows, between_columns = slices[0].spacing or (1.0, 1.0)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = along * between_columns, down * between_rows, normal * step
    affine[:3, 3] = positions[0]
    _check_shear(ordered, positions, normal, min(between_rows, between_columns))
    return ordered, affine


def _check_alike(slices: Sequence[Slice]) -> None:
    first = slices[0]
    kinds = {
        "orientation": lambda part: np.allclose(part.orientation or (), first.orientation or (), atol=SAME_DIRECTION),
        "pixel size": lambda part: np.allclose(part.spacing or (), first.spacing or (), rtol=SAME_STEP),
        "number of rows and columns": lambda part: (part.rows, part.columns) == (first.rows, first.columns),
    }
    for what, is_alike in kinds.items():
        others = [part for part in slices if not is_alike(part)]
        if others:
            raise ScanFileError(
                f"has slices of another {what} than the rest: {len(others)} of {len(slices)} ({_named(others)}) differ from "
                f"{first.name}; keep one series, without scouts"
            )


def _step(slices: Sequence[Slice], depths: NDArray[np.float64]) -> float:
    """Distance from slice to slice in mm; an error if it is not even."""
    if len(slices) == 1:
        return (slices[0].between or (1.0,))[0] or 1.0
    steps = np.diff(depths)
    usual = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    tolerance = SAME_STEP * usual
    doubled = np.flatnonzero(steps <= tolerance)
    if len(doubled):
        pairs = [f"{slices[at].name} and {slices[at + 1].name} at {depths[at]:.2f} mm" for at in doubled[:NAMED]]
        raise ScanFileError(
            f"has {len(doubled)} slices at the place of another ({'; '.join(pairs)}{_more(doubled)}): keep one of each"
        )
    smallest = float(steps.min())
    if _are_multiples(steps / smallest):
        usual = smallest  # where most slices are gone, most steps are too long
    uneven = np.flatnonzero(np.abs(steps - usual) > SAME_STEP * usual)
    if len(uneven):
        raise ScanFileError(_uneven(slices, depths, steps, usual, uneven))
    mean = float(depths[-1] - depths[0]) / (len(slices) - 1)
    stated = (slices[0].between or (0.0,))[0]
    numbers = [part.number for part in slices if part.number is not None]
    # One of both is often wrong by itself; together they tell that, say, every second slice was left behind.
    if stated > 0 and abs(stated) < mean * (1 - 2 * SAME_STEP) and _has_gaps(numbers):
        raise ScanFileError(
            f"lacks slices: {len(slices)} slices lie {mean:.3g} mm apart, the header says {stated:.3g} mm "
            "(SpacingBetweenSlices), and their numbers (InstanceNumber) have gaps; copy the series whole"
        )
    return mean


def _uneven(
    slices: Sequence[Slice],
    depths: NDArray[np.float64],
    steps: NDArray[np.float64],
    usual: float,
    uneven: NDArray[np.intp],
) -> str:
    places = [
        f"{steps[at]:.2f} mm between {slices[at].name} and {slices[at + 1].name} at {depths[at]:.2f} mm"
        for at in uneven[:NAMED]
    ]
    ratios = steps[uneven] / usual
    if _are_multiples(ratios):
        missing = int((np.round(ratios) - 1).sum())
        what = f"lacks {missing} slices in {len(uneven)} places"
    else:
        what = f"has slices at uneven distances in {len(uneven)} places"
    return f"{what} ({'; '.join(places)}{_more(uneven)}; elsewhere {usual:.3g} mm): copy the series whole"


def _check_shear(
    slices: Sequence[Slice], positions: NDArray[np.float64], normal: NDArray[np.float64], pixel: float
) -> None:
    shifts = positions - positions[0]
    sideways = np.linalg.norm(shifts - np.outer(shifts @ normal, normal), axis=1)
    worst = int(sideways.argmax())
    if sideways[worst] > SAME_PLACE * pixel:
        raise ScanFileError(
            f"has slices shifted sideways, by up to {sideways[worst]:.2f} mm ({slices[worst].name}), as a tilted gantry "
            "does: resample it onto a straight grid"
        )


def _are_multiples(ratios: NDArray[np.float64]) -> bool:
    return bool((np.abs(ratios - np.round(ratios)) < 2 * SAME_STEP).all() and (ratios > 0.5).all())


def _has_gaps(numbers: Sequence[int]) -> bool:
    return bool(numbers) and max(numbers) - min(numbers) + 1 > len(set(numbers))


def _named(slices: Sequence[Slice]) -> str:
    return ", ".join(part.name for part in slices[:NAMED]) + _more(slices)


def _more(found: Sequence[object] | NDArray[np.intp]) -> str:
    return f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
