"""The affine registration itself: from many coarse starts at 8 mm to twelve degrees of freedom at 2 mm.

Mutual information (Mattes et al. 2003) within the template's brain, by SimpleITK. It runs in one thread, because the last
bits of ITK's metric depend on the number of threads. Points and axes are ITK's own here: mm of LPS.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import SimpleITK as sitk  # noqa: N813 - its customary name
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .itk_image import coarse, matrix_of, to_itk, transform_of
from .template import load_template

__all__ = ["LEVELS_MM", "Alignment", "align", "head_mask", "information_at"]

#: Spacings of the three levels.
LEVELS_MM = (8.0, 4.0, 2.0)
#: Middle of the template's brain, about which scans are turned and scaled.
_BRAIN_CENTRE = np.array([0.0, 18.0, 6.0])
#: The mask reaches this far beyond the brain: without its dark rim, mutual information hardly sees the brain's size.
_RIM_MM = 4
#: Some scans reach down to the shoulders; a brain ends at most this far below the crown.
_BRAIN_HEIGHT_MM = 160.0
#: Blank margin of the scan, so that a start far off does not lose the template's voxels over its edge.
_PADDING_MM = 40.0
#: Starts: how far the brain may lie above or below the middle of the head's mask (mm), and how far the head nods (radians).
_SHIFTS_MM = (-25.0, 0.0, 25.0)
_PITCHES = (-0.3, 0.0, 0.3)
#: Starts are smaller than any brain: one that grows stops at the skull, one that shrinks from outside catches on the scalp.
_START_SCALE = 0.8
#: How many of the starts are followed beyond the first level.
_FOLLOWED = 3

_End = tuple[float, sitk.Similarity3DTransform, NDArray[np.float64]]


@dataclass(frozen=True)
class Alignment:
    """Where the template's points lie in a scan.

    Attributes:
        matrix: 4 x 4, mm of the template to mm of the scan, RAS.
        information: mutual information of the two within the brain and its rim, in nats.
    """

    matrix: NDArray[np.float64]
    information: float


def head_mask(scan: sitk.Image) -> sitk.Image:
    """Bright tissue of the head, or of the brain where nothing else is left, at 4 mm (Otsu 1979).

    Args:
        scan: at any spacing.
    """
    return sitk.OtsuThreshold(coarse(scan, 4.0), 0, 1, 128)


def align(
    scan: sitk.Image, turned: bool = False, levels_mm: tuple[float, float, float] = LEVELS_MM
) -> Alignment | None:
    """Find the affine that takes the template to a scan.

    Args:
        scan: with its bias field corrected.
        turned: try the 23 other orientations that a wrong header can give to the axes, instead of the one that it states.
        levels_mm: spacings of the images that the starts, the similarity and the affine are fitted to.

    Returns:
        The best alignment; ``None`` where no start finds enough of the scan under the template.
    """
    fixed = _template_levels(levels_mm)
    levels = _levels(_padded(coarse(scan, levels_mm[-1])), levels_mm)
    head = _points(head_mask(scan))
    ends = []
    for turn in np.rint(Rotation.create_group("O").as_matrix()):
        if np.array_equal(turn, np.eye(3)) != turned:
            moving = _turn(levels[0], turn)
            for start in _starts(head @ turn.T):
                ends.append((_descend(start, fixed[0], moving, 60, step_mm=4.0), start, turn))
    followed = []
    for _, start, turn in _lowest(ends)[:_FOLLOWED]:
        moving = _turn(levels[1], turn)
        _descend(start, fixed[1], moving, 100, step_mm=2.0)
        followed.append((_descend(start, fixed[1], moving, 100), start, turn))
    _, similarity, turn = _lowest(followed)[0]
    affine = sitk.AffineTransform(3)
    affine.SetCenter(similarity.GetCenter())
    affine.SetMatrix(similarity.GetMatrix())
    affine.SetTranslation(similarity.GetTranslation())
    _descend(affine, fixed[1], _turn(levels[1], turn), 100)
    cost = _descend(affine, fixed[2], _turn(levels[2], turn), 30)
    back = sitk.AffineTransform(3)
    back.SetMatrix(turn.T.ravel().tolist())
    return Alignment(matrix_of(back) @ matrix_of(affine), -cost) if math.isfinite(cost) else None


def information_at(scan: sitk.Image, matrix: NDArray[np.float64], spacing_mm: float = LEVELS_MM[-1]) -> float:
    """Mutual information of a scan and the template under a given affine, 0 where they hardly meet.

    Args:
        scan: with its bias field corrected.
        matrix: 4 x 4, mm of the template to mm of the scan, RAS.
        spacing_mm: of the images that are compared.
    """
    method = _method()
    method.SetInitialTransform(transform_of(matrix))
    try:
        return -float(method.MetricEvaluate(_template_levels((spacing_mm,))[0], _padded(coarse(scan, spacing_mm))))
    except RuntimeError:  # too few of the template's voxels meet the scan
        return 0.0


def _descend(
    transform: sitk.Transform, fixed: sitk.Image, moving: sitk.Image, iterations: int, step_mm: float | None = None
) -> float:
    """Improve a transform in place: by steps of at most ``step_mm``, or by line searches."""
    method = _method()
    if step_mm is None:
        method.SetOptimizerAsGradientDescentLineSearch(1.0, iterations, 1e-4, 6, 0.0, 3.0, 0.01, 10)
    else:
        method.SetOptimizerAsRegularStepGradientDescent(step_mm, step_mm / 100, iterations, 0.5, 1e-8)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(fixed, moving)
    except RuntimeError:  # too few of the template's voxels meet the scan
        return math.inf
    return float(method.GetMetricValue())


def _method() -> sitk.ImageRegistrationMethod:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricFixedMask(_brain_and_rim())
    method.SetInterpolator(sitk.sitkLinear)
    return method


def _lowest(ends: list[_End]) -> list[_End]:
    return sorted(ends, key=lambda end: end[0])


def _turn(image: sitk.Image, turn: NDArray[np.float64]) -> sitk.Image:
    """The same voxels at turned places. The scan is turned and not the start, since versors fail at half turns."""
    turned = sitk.Image(image)
    turned.SetDirection((turn @ np.reshape(image.GetDirection(), (3, 3))).ravel().tolist())
    turned.SetOrigin((turn @ np.array(image.GetOrigin())).tolist())
    return turned


def _starts(head: NDArray[np.float64]) -> list[sitk.Similarity3DTransform]:
    """Transforms that put the middle of the brain near that of the upper head."""
    upper = head[head[:, 2] > np.percentile(head[:, 2], 99.95) - _BRAIN_HEIGHT_MM].mean(axis=0)
    starts = []
    for shift in _SHIFTS_MM:
        for pitch in _PITCHES:
            start = sitk.Similarity3DTransform()
            start.SetCenter(_BRAIN_CENTRE.tolist())
            start.SetRotation((1.0, 0.0, 0.0), pitch)
            start.SetScale(_START_SCALE)
            start.SetTranslation((upper + np.array([0.0, 0.0, shift]) - _BRAIN_CENTRE).tolist())
            starts.append(start)
    return starts


def _points(mask: sitk.Image) -> NDArray[np.float64]:
    """Where the largest piece of a mask is: ``(N, 3)`` in mm."""
    largest = sitk.RelabelComponent(sitk.ConnectedComponent(mask)) == 1
    indices = np.argwhere(sitk.GetArrayViewFromImage(largest))[:, ::-1] * np.array(mask.GetSpacing())
    return np.asarray(indices @ np.reshape(mask.GetDirection(), (3, 3)).T + np.array(mask.GetOrigin()))


def _padded(image: sitk.Image) -> sitk.Image:
    margin = [math.ceil(_PADDING_MM / spacing) for spacing in image.GetSpacing()]
    background = float(np.percentile(sitk.GetArrayViewFromImage(image), 1))
    return sitk.ConstantPad(image, margin, margin, background)


def _levels(image: sitk.Image, levels_mm: Sequence[float]) -> list[sitk.Image]:
    return [coarse(image, spacing) for spacing in levels_mm]


@lru_cache(maxsize=4)
def _template_levels(levels_mm: tuple[float, ...]) -> list[sitk.Image]:
    template = load_template()
    return _levels(to_itk(template.intensity, template.affine), levels_mm)


@lru_cache(maxsize=1)
def _brain_and_rim() -> sitk.Image:
    template = load_template()
    return sitk.BinaryDilate(to_itk(template.brain, template.affine), (_RIM_MM,) * 3)
