"""The MNI152 template on the one grid that every registered scan shares.

nilearn ships the skull-stripped, symmetric ICBM 2009a template and its brain mask (Fonov et al. 2011); nothing is
downloaded. Axes: ``X Y Z`` = left-right, posterior-anterior, inferior-superior (RAS), in mm of MNI space.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import SimpleITK as sitk  # noqa: N813 - its customary name
from numpy.typing import NDArray

from .itk_image import blurred, from_itk, on_grid, to_itk

__all__ = ["BOX_END_MM", "BOX_START_MM", "TEMPLATE_NAME", "Template", "load_template", "template_grid"]

TEMPLATE_NAME = "MNI152NLin2009aSym"

#: The crop: 168 x 204 x 168 mm, the brain mask with 6 to 13 mm around it. Its sides are multiples of 1, 1.5, 2, 3, 4 and
#: 6 mm, and its edges lie between voxels of the template, so that at 1 mm the crop cuts and does not interpolate.
BOX_START_MM = (-84.5, -120.5, -78.5)
BOX_END_MM = (83.5, 83.5, 89.5)


@dataclass(frozen=True)
class Template:
    """The template, cropped, at one voxel size.

    Attributes:
        affine: voxel indices to mm, RAS.
        intensity: ``(X, Y, Z)`` float32, 0 outside the brain, white matter near 0.86.
        brain: ``(X, Y, Z)`` uint8, 1 inside the brain, ventricles included.
    """

    affine: NDArray[np.float64]
    intensity: NDArray[np.float32]
    brain: NDArray[np.uint8]


def template_grid(spacing_mm: float = 1.0) -> tuple[tuple[int, int, int], NDArray[np.float64]]:
    """Voxels per axis and affine of the cropped template.

    Args:
        spacing_mm: edge of a voxel, a divisor of all sides of the crop.

    Raises:
        ValueError: If no whole number of voxels fills the crop.
    """
    counts = (np.array(BOX_END_MM) - np.array(BOX_START_MM)) / spacing_mm if spacing_mm > 0 else np.zeros(3)
    if counts.min() < 8 or not np.allclose(counts, counts.round(), atol=1e-6):
        raise ValueError(f"spacing_mm must divide 12 mm into whole voxels, such as 1, 1.5, 2 or 3, got {spacing_mm:g}")
    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = np.array(BOX_START_MM) + spacing_mm / 2
    x, y, z = (int(count) for count in counts.round())
    return (x, y, z), affine


@lru_cache(maxsize=8)
def load_template(spacing_mm: float = 1.0) -> Template:
    """Read the template from nilearn's files; a fraction of a second, then cached. Not to be written to.

    Args:
        spacing_mm: see :func:`template_grid`.
    """
    shape, affine = template_grid(spacing_mm)
    whole, brain = _as_shipped()
    whole, brain = blurred(whole, spacing_mm), blurred(brain, spacing_mm)
    grid = to_itk(np.zeros(shape, np.uint8), affine)
    intensity, inside = (
        from_itk(on_grid(image, np.eye(4), grid, nearest=False, outside=0.0)) for image in (whole, brain)
    )
    return Template(affine, intensity, (inside > 0.5).astype(np.uint8))


def _as_shipped() -> tuple[sitk.Image, sitk.Image]:
    from nilearn.datasets import load_mni152_brain_mask, load_mni152_template

    images = load_mni152_template(resolution=1), load_mni152_brain_mask(resolution=1)
    intensity, brain = (to_itk(np.asarray(image.dataobj, np.float32), image.affine) for image in images)
    return intensity, brain
