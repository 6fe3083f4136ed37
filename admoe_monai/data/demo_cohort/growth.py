"""Growing and shrinking one structure of the template by a smooth, invertible flow.

Pushing a border outwards by a fixed distance folds space as soon as the distance exceeds half the width of the
structure, and the lateral ventricles are thin. So the border moves along a flow: every point travels for `amount` along
a steady velocity field v, the gradient of the smoothed signed distance to the structure, faded out within `reach` mm.
Such flows neither fold nor tear, vanish on the structure's own middle, and form one family in `amount`.

The flow maps a point of the changed head to the point of the template that is seen there (pull-back), so the change is
`template(point + displacement)`; positive amounts enlarge the structure, negative ones shrink it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .anatomy import Anatomy, FloatArray, load_anatomy, sample

__all__ = ["Flow", "load_flow"]

_GRID_MM = 2.0
_STEP_MM = 0.5
# Smoothing of the signed distance: without it the velocity jumps where two borders are equally near.
_SMOOTHING_MM = 1.5
# (reach of the flow, smallest and largest amount, number of stored displacements); millimetres.
_SETTINGS = {"lateral_ventricles": (25.0, -2.0, 7.0, 19), "hippocampus": (9.0, -3.0, 1.5, 10)}


class Flow:
    """The family of displacements that grows or shrinks one structure.

    Args:
        anatomy: Template and labels.
        structure: Name in `STRUCTURES`.

    Raises:
        ValueError: If the anatomy has no such structure.
    """

    def __init__(self, anatomy: Anatomy, structure: str) -> None:
        if structure not in anatomy.labels:
            raise ValueError(f"unknown structure {structure!r}; known: {sorted(anatomy.labels)}")
        self.structure = structure
        reach, smallest, largest, count = _SETTINGS[structure.removesuffix("_left").removesuffix("_right")]
        self.amounts = np.linspace(smallest, largest, count)
        label = anatomy.labels[structure]
        crop = _box(label > 0.5, margin=int(reach) + 4)
        self.origin = anatomy.origin + np.array([axis.start for axis in crop])
        distance = _signed_distance(label[crop])
        velocity = _velocity(distance, reach)
        shape = tuple(int(n) for n in np.ceil(np.array(distance.shape) / _GRID_MM))
        grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")).astype(np.float32) * np.float32(
            _GRID_MM
        )
        start = grid.reshape(3, -1) + self.origin[:, None].astype(np.float32)
        self.displacements = self._integrate(velocity, start, shape)
        self.log_volumes = np.array(
            [
                np.log(sample(label, start + field.reshape(3, -1), anatomy.origin).sum(dtype=np.float64) * _GRID_MM**3)
                for field in self.displacements
            ]
        )

    def _integrate(self, velocity: FloatArray, start: FloatArray, shape: tuple[int, ...]) -> FloatArray:
        moving = np.flatnonzero(np.any([sample(v, start, self.origin) for v in velocity], axis=0))
        fields = np.zeros((len(self.amounts), 3, start.shape[1]), dtype=np.float32)
        for sign in (1.0, -1.0):
            # Outwards from no change at all, one stored amount after the other.
            order = [i for i in np.argsort(abs(self.amounts)) if np.sign(self.amounts[i]) == sign]
            points, reached = start[:, moving].copy(), 0.0
            for i in order:
                steps = max(1, round((abs(self.amounts[i]) - reached) / _STEP_MM))
                step = np.float32(sign * (abs(self.amounts[i]) - reached) / steps)
                for _ in range(steps):
                    half = points - 0.5 * step * self._read(velocity, points)
                    points = points - step * self._read(velocity, half)
                reached = abs(self.amounts[i])
                fields[i][:, moving] = points - start[:, moving]
        return fields.reshape(len(self.amounts), 3, *shape)

    def _read(self, velocity: FloatArray, points: FloatArray) -> FloatArray:
        return np.stack([sample(v, points, self.origin) for v in velocity])

    def amount_for(self, log_volume: float) -> float:
        """Find the amount at which the structure has this volume in the template, within the family's range.

        Args:
            log_volume: Natural logarithm of a volume in mm³.
        """
        return float(np.interp(log_volume, self.log_volumes, self.amounts))

    def log_volume_at(self, amount: float) -> float:
        """Logarithm of the structure's volume (mm³) in the template after a change by `amount`."""
        return float(np.interp(amount, self.amounts, self.log_volumes))

    def field(self, amount: float) -> FloatArray:
        """Displacement (3, X, Y, Z) in mm for an amount, linear between the stored ones."""
        position = float(np.interp(amount, self.amounts, np.arange(len(self.amounts))))
        below = min(int(position), len(self.amounts) - 2)
        weight = np.float32(position - below)
        return np.asarray((1 - weight) * self.displacements[below] + weight * self.displacements[below + 1])

    def move(self, points: FloatArray, amount: float) -> FloatArray:
        """Map points (3, N) of the changed head to those of the template that are seen there."""
        field = self.field(amount)
        moved = points.copy()
        end = self.origin + _GRID_MM * (np.array(field.shape[1:]) - 1)
        inside = np.flatnonzero(np.all((points > self.origin[:, None]) & (points < end[:, None]), axis=0))
        near = points[:, inside]
        for axis in range(3):
            moved[axis, inside] += sample(field[axis], near, self.origin, _GRID_MM)
        return moved


@lru_cache(maxsize=3)
def load_flow(structure: str) -> Flow:
    """Compute the flow of a structure of the template; a few seconds, then cached."""
    return Flow(load_anatomy(), structure)


def _box(mask: NDArray[np.bool_], margin: int) -> tuple[slice, ...]:
    where = np.argwhere(mask)
    low, high = where.min(axis=0) - margin, where.max(axis=0) + margin + 1
    return tuple(slice(max(a, 0), min(b, n)) for a, b, n in zip(low, high, mask.shape, strict=True))


def _signed_distance(label: FloatArray) -> FloatArray:
    inside = label > 0.5
    distance = ndimage.distance_transform_edt(~inside) - ndimage.distance_transform_edt(inside)
    return np.asarray(ndimage.gaussian_filter(distance, _SMOOTHING_MM), dtype=np.float32)


def _velocity(distance: FloatArray, reach: float) -> FloatArray:
    outside = np.clip(distance / reach, 0, 1)
    fade: NDArray[np.float32] = (1 - outside**2) ** 2
    slopes = [np.gradient(distance, axis=axis) for axis in range(distance.ndim)]
    return np.stack(slopes).astype(np.float32) * fade
