"""The field of view that all scans share, in MNI millimetres (RAS)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .anatomy import FloatArray

__all__ = ["CENTRE", "FIELD_OF_VIEW", "grid_points", "grid_shape", "scan_affine"]

# Middle of the field of view in MNI millimetres, and its extent in mm.
CENTRE = np.array([0.0, -18.0, 6.0])
FIELD_OF_VIEW = (168.0, 204.0, 168.0)


def grid_shape(spacing_mm: float) -> tuple[int, int, int]:
    """Number of voxels of the field of view along each axis."""
    x, y, z = (round(extent / spacing_mm) for extent in FIELD_OF_VIEW)
    return x, y, z


def grid_points(spacing_mm: float) -> FloatArray:
    """Coordinates (3, N) in mm of the voxels of the field of view, in C order."""
    axes = [c + spacing_mm * (np.arange(n) - (n - 1) / 2) for c, n in zip(CENTRE, grid_shape(spacing_mm), strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij")).reshape(3, -1).astype(np.float32)


def scan_affine(spacing_mm: float) -> NDArray[np.float64]:
    """Affine from voxel indices to the millimetres of `grid_points` (RAS)."""
    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = CENTRE - spacing_mm * (np.array(grid_shape(spacing_mm)) - 1) / 2
    return affine
