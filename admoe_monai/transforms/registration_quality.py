"""Numbers that tell whether a scan lies on the template, and the words for those that are out of bounds.

The bounds lie in the gaps that docs/preprocessing.md shows between good registrations and failures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import SimpleITK as sitk  # noqa: N813 - its customary name
from numpy.typing import NDArray
from scipy import ndimage

from .foreground import Foreground
from .itk_image import coarse, from_itk, on_grid, to_itk
from .template import load_template

__all__ = ["FLAG_MEANINGS", "Quality", "measure_quality"]

#: Between images like FLAIR made from T1w ones (up to 0.446) and T1w scans with strong shading (from 0.500 after correction).
LOWEST_CORRELATION = 0.47
#: From here down it is the contrast that is another one, not the place.
INVERTED_CORRELATION = -0.2
LOWEST_COVERAGE = 0.97
LOWEST_OVERLAP = 0.85
SCALES = (0.72, 1.15)
LARGEST_STRETCH = 1.35

FLAG_MEANINGS = {
    "low_correlation": f"The scan does not look like the template where it lies (correlation below {LOWEST_CORRELATION:g}).",
    "inverted_contrast": "It lies right, but dark and bright are exchanged: no T1w scan "
    f"(correlation below {INVERTED_CORRELATION:g}).",
    "poor_coverage": f"The field of view cuts off part of the brain (less than {LOWEST_COVERAGE:.0%} is covered).",
    "poor_overlap": f"Part of the brain is blank in the scan (less than {LOWEST_OVERLAP:.0%} is foreground).",
    "implausible_scale": f"The head is not {SCALES[0]:g} to {SCALES[1]:g} times the template's size; "
    "a wrong voxel size does this.",
    "implausible_stretch": f"The affine stretches one axis more than {LARGEST_STRETCH:g} times another.",
    "wrong_orientation": "The header's orientation was wrong, and another one fits; left and right may be exchanged.",
}

_SPACING_MM = 2.0
#: The rim of the brain is left out of the correlation: it correlates in any bright blob of about the right size.
_CORE_DEPTH_MM = 6.0


@dataclass(frozen=True)
class Quality:
    """How a scan lies on the template.

    Attributes:
        correlation: of the two intensities inside the brain, 6 mm below its surface, at 2 mm.
        coverage: share of the template's brain inside the scan's field of view.
        overlap: share of that part which is foreground of the scan.
        scale: size of the scan's head over the template's (cube root of the determinant).
        stretch: the same along the three principal axes of the affine, largest first.
    """

    correlation: float
    coverage: float
    overlap: float
    scale: float
    stretch: tuple[float, float, float]

    @property
    def fits(self) -> bool:
        """Whether the scan looks like the template where it lies."""
        return self.correlation >= LOWEST_CORRELATION

    @property
    def inverted(self) -> bool:
        """Whether it does so with dark and bright exchanged, as on T2-weighted images."""
        return self.correlation <= INVERTED_CORRELATION

    @property
    def flags(self) -> list[str]:
        """One word for each number that is out of bounds."""
        words = {
            "low_correlation": not self.fits and not self.inverted,
            "inverted_contrast": self.inverted,
            "poor_coverage": self.coverage < LOWEST_COVERAGE,
            "poor_overlap": self.overlap < LOWEST_OVERLAP,
            "implausible_scale": not SCALES[0] <= self.scale <= SCALES[1],
            "implausible_stretch": self.stretch[0] > LARGEST_STRETCH * self.stretch[2],
        }
        return [word for word, applies in words.items() if applies]


def measure_quality(scan: sitk.Image, matrix: NDArray[np.float64]) -> Quality:
    """Measure how a scan lies on the template.

    Args:
        scan: with its bias field corrected.
        matrix: 4 x 4, mm of the template to mm of the scan, RAS.
    """
    template, grid, core = _template()
    brain = template > 0
    narrow = coarse(scan, _SPACING_MM)
    values = from_itk(on_grid(narrow, matrix, grid, nearest=False, outside=np.nan))
    seen = brain & ~np.isnan(values)
    inside = from_itk(on_grid(_foreground(scan), matrix, grid, nearest=True, outside=0)) > 0
    stretch = np.linalg.svd(matrix[:3, :3], compute_uv=False)
    return Quality(
        correlation=_correlation(values[seen & core], template[seen & core]),
        coverage=float(seen.sum() / brain.sum()),
        overlap=float((inside & seen).sum() / max(seen.sum(), 1)),
        scale=float(np.prod(stretch) ** (1 / 3)),
        stretch=(float(stretch[0]), float(stretch[1]), float(stretch[2])),
    )


def _correlation(values: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    # Not by the standard deviation: rounding gives constant float32 values one above 0.
    if len(values) < 2 or not np.ptp(values) > 0:
        return 0.0
    return float(np.corrcoef(values, reference)[0, 1])


def _foreground(scan: sitk.Image) -> sitk.Image:
    small = coarse(scan, 4.0)
    inside = np.asarray(Foreground()(from_itk(small)[None])[0])
    mask = sitk.GetImageFromArray(np.ascontiguousarray(inside.transpose(2, 1, 0)))
    mask.CopyInformation(small)
    return mask


@lru_cache(maxsize=1)
def _template() -> tuple[NDArray[np.float32], sitk.Image, NDArray[np.bool_]]:
    """Intensity inside the brain and 0 outside, the grid that it lies on, and the brain without its rim."""
    template = load_template(_SPACING_MM)
    core = ndimage.distance_transform_edt(template.brain) * _SPACING_MM > _CORE_DEPTH_MM
    return template.intensity * template.brain, to_itk(template.brain, template.affine), core
