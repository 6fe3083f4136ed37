"""How a scan was treated before: a raw head, a defaced one or a skull-stripped one, told from its voxels.

It needs to be known where the brain lies, because only then it is known where scalp and face should be.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
import SimpleITK as sitk  # noqa: N813 - its customary name
from numpy.typing import NDArray
from scipy import ndimage

from .itk_image import from_itk, on_grid, to_itk
from .template import load_template

__all__ = ["STATES", "ScanState", "scan_state"]

ScanState = Literal["raw", "defaced", "skull_stripped", "unknown"]
STATES: tuple[ScanState, ...] = ("raw", "defaced", "skull_stripped", "unknown")

#: A voxel is blank where it lies this share of the range above the lowest value, as in `Foreground`.
_BLANK_SHARE = 1e-3
#: Scalp, skull and what lies between: so far outside the brain, in mm, and above the skull base (z of MNI space).
_SHELL_MM = (6.0, 12.0)
_SHELL_ABOVE_MM = -20.0
#: Nose and upper jaw: from and to, in mm of MNI space (x, y, z).
_FACE_MM = ((-30.0, 54.0, -75.0), (30.0, 66.0, -40.0))
#: Share of blank voxels from which a region counts as emptied, and share of it that the scan must show.
_SHELL_EMPTY = 0.9
_FACE_EMPTY = 0.5
_VISIBLE = 0.5

_SPACING_MM = 3.0
_START_MM = np.array([-120.0, -150.0, -120.0])
_SHAPE = (81, 101, 81)


def scan_state(scan: sitk.Image, matrix: NDArray[np.float64]) -> ScanState:
    """Tell how a scan was treated; a face filled with anything but a constant, or out of view, passes for a raw head's.

    Args:
        scan: whose lowest value is the background's; a corrected bias field does not matter.
        matrix: 4 x 4, mm of the template to mm of the scan, RAS.
    """
    values = sitk.GetArrayViewFromImage(scan)
    low, high = float(values.min()), float(values.max())
    grid, shell, face = _regions()
    read = from_itk(on_grid(scan, matrix, grid, nearest=True, outside=np.nan))
    seen = ~np.isnan(read)
    blank = seen & (read <= low + _BLANK_SHARE * (high - low))

    def emptied(region: NDArray[np.bool_], share: float) -> bool:
        visible = int((region & seen).sum())
        return visible >= _VISIBLE * region.sum() and int((region & blank).sum()) >= share * visible

    if emptied(shell, _SHELL_EMPTY):
        return "skull_stripped"
    return "defaced" if emptied(face, _FACE_EMPTY) else "raw"


@lru_cache(maxsize=1)
def _regions() -> tuple[sitk.Image, NDArray[np.bool_], NDArray[np.bool_]]:
    """A grid around the whole head, and on it the shell of the scalp and the face."""
    affine = np.diag([_SPACING_MM] * 3 + [1.0])
    affine[:3, 3] = _START_MM
    grid = to_itk(np.zeros(_SHAPE, np.uint8), affine)
    template = load_template()
    brain = from_itk(on_grid(to_itk(template.brain, template.affine), np.eye(4), grid, nearest=True, outside=0)) > 0
    distance = ndimage.distance_transform_edt(~brain) * _SPACING_MM
    points = np.indices(_SHAPE) * _SPACING_MM + _START_MM[:, None, None, None]
    shell = (distance > _SHELL_MM[0]) & (distance <= _SHELL_MM[1]) & (points[2] > _SHELL_ABOVE_MM)
    start, end = (np.array(corner)[:, None, None, None] for corner in _FACE_MM)
    return grid, shell, np.all((points >= start) & (points <= end), axis=0)
