"""Smooth random fields: cubic splines through random values on a coarse lattice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

__all__ = ["smooth_field"]


def smooth_field(
    generator: np.random.Generator, shape: tuple[int, ...], spacing: float, distance: float
) -> NDArray[np.float32]:
    """Draw a smooth field whose lattice values are standard normal.

    The spline is separable, so it is one small matrix product per axis instead of an interpolation per voxel.

    Args:
        generator: Source of random numbers.
        shape: Number of voxels per axis.
        spacing: Voxel size in mm.
        distance: Distance of lattice points in mm; details much finer than it do not occur.

    Raises:
        ValueError: If the distance is not positive.
    """
    if distance <= 0:
        raise ValueError(f"distance must be positive, got {distance}")
    counts = [max(2, int(np.ceil((n - 1) * spacing / distance)) + 1) for n in shape]
    field = generator.standard_normal(counts, dtype=np.float32)
    for axis, (n, count) in enumerate(zip(shape, counts, strict=True)):
        # The lattice is centred on the voxels, so that both ends are treated alike.
        at = (np.arange(n) - (n - 1) / 2) * spacing / distance + (count - 1) / 2
        basis = CubicSpline(np.arange(count), np.eye(count), bc_type="natural")(at).astype(np.float32)
        field = np.moveaxis(np.tensordot(basis, field, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(field)
