"""Grids of MNI152 that other software writes: scans on them have been registered already."""

from __future__ import annotations

from collections.abc import Sequence

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from .template import BOX_END_MM, BOX_START_MM

__all__ = ["on_template_grid"]

#: Voxels per axis and centre of the first one (mm, RAS) at 1 mm. No scanner writes such a pair by chance.
_KNOWN = {
    "Clinica t1-linear, cropped": ((169, 208, 179), (-84, -119, -78)),
    "ICBM 2009c": ((193, 229, 193), (-96, -132, -78)),
    "ICBM 2009a": ((197, 233, 189), (-98, -134, -72)),
    "FSL, SPM": ((182, 218, 182), (-91, -126, -72)),
}
_TOLERANCE_MM = 1.0


def on_template_grid(shape: Sequence[int], affine: NDArray[np.float64]) -> bool:
    """Whether a volume lies on our own cropped grid, at any spacing, or on a known 1 mm grid of MNI152.

    Args:
        shape: voxels per axis, in the order in which the volume is stored.
        affine: voxel indices to mm, RAS.
    """
    if len(shape) != 3:
        return False
    orientation = nib.io_orientation(affine)
    canonical = affine @ nib.orientations.inv_ornt_aff(orientation, shape)
    counts = np.array(shape)[np.argsort(orientation[:, 0])]
    spacing = np.diag(canonical)[:3]
    if not np.allclose(canonical[:3, :3], np.diag(spacing), atol=1e-3) or np.ptp(spacing) > 1e-3:
        return False
    first = canonical[:3, 3]
    start, end = first - spacing / 2, first + (counts - 0.5) * spacing
    if np.allclose([start, end], [BOX_START_MM, BOX_END_MM], atol=1e-3):
        return True
    return abs(spacing[0] - 1.0) < 1e-3 and any(
        tuple(counts) == known and np.abs(first - corner).max() <= _TOLERANCE_MM for known, corner in _KNOWN.values()
    )
