"""Identity of two images: rigid registration, then the correlation of their fine detail.

Two scans of one head share its anatomy, but neither the exact position of every fold within the voxels nor the noise; a
copy shares both. Detail between 0.7 and 1.4 voxels is therefore what tells a copy from a repeat visit, and it survives
interpolation, another scale of intensities and moderate noise.

Registration is that of SimpleITK with the correlation as metric, on one thread and without random sampling: the same
images always give the same figure. A scale is fitted beside turn and shift, since a copy may have lost its header.

Shapes: ``*S`` spatial axes, D of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import SimpleITK as sitk  # noqa: N813 - its customary name
from scipy import ndimage

from .fingerprints import Pose
from .images import Image, background, foreground, reduced

__all__ = ["detail_correlation"]

TRANSFORMS = {2: sitk.Similarity2DTransform, 3: sitk.Similarity3DTransform}
#: Scales of the detail that is compared: standard deviations of two blurs in voxels.
SCALES = (0.7, 1.4)
#: Width of a head in spreads, and the largest number of voxels that it is compared on.
WIDTH, VOXELS = 3.4, 600_000
#: Below this correlation at half the resolution no more time is spent on a pair; copies stay above 0.97 there.
HOPELESS = 0.95
#: Share of the smaller foreground that must be seen in both images, and the least number of voxels.
LEAST_OVERLAP, LEAST_VOXELS = 0.3, 50


def detail_correlation(images: Sequence[Image], poses: Sequence[Pose], form: np.ndarray) -> float:
    """Register the second image to the first and correlate their detail.

    Args:
        images: Two slices, or two volumes.
        poses: Poses of both, from their fingerprints.
        form: Matrix (D, D) from the first fingerprint's grid to the second's, with rotation and mirroring.

    Returns:
        The correlation over the foreground that both share; 0 where they share too little, or differ so much at half
        the resolution that nothing finer was looked at.
    """
    dims = images[0].voxels.ndim
    # Voxel sizes are compared in spreads of the head, so that a lost header makes no difference.
    finest = WIDTH / VOXELS ** (1 / dims)
    edges = [
        max(float(np.prod(image.spacing)) ** (1 / dims) / pose.radius, finest)
        for image, pose in zip(images, poses, strict=True)
    ]
    start = sitk.AffineTransform(dims)
    start.SetCenter(poses[0].centre.tolist())
    start.SetMatrix((poses[1].radius / poses[0].radius * poses[1].axes @ form @ poses[0].axes.T).ravel().tolist())
    start.SetTranslation((poses[1].centre - poses[0].centre).tolist())
    residual = TRANSFORMS[dims]()
    residual.SetCenter(poses[0].centre.tolist())

    @cache
    def sampled(which: int, edge: float) -> _Head:
        return _head(reduced(images[which], edge * poses[which].radius))

    def correlation(factor: float) -> float:
        there = sitk.CompositeTransform([start, residual])
        back = sitk.CompositeTransform([residual.GetInverse(), start.GetInverse()])
        # Whichever was made from the other by interpolation: sampling that one on its grid repeats what was done.
        figures = []
        for fixed, moving, transform in ((0, 1, there), (1, 0, back)):
            edge = factor * edges[fixed]
            figures.append(
                _correlation(sampled(fixed, edge), sampled(moving, max(edge, factor * edges[moving])), transform)
            )
        return max(figures)

    common = max(edges)
    _register([sampled(which, 2 * common) for which in (0, 1)], start, residual, (2, 1), 60)
    if correlation(2.0) < HOPELESS:
        return 0.0
    _register([sampled(which, common) for which in (0, 1)], start, residual, (1,), 25)
    return correlation(1.0)


@dataclass(frozen=True)
class _Head:
    """An image with the background at 0 and bright tissue at 1, and the mask of its head, as ITK images."""

    voxels: np.ndarray
    inside: np.ndarray
    image: sitk.Image
    mask: sitk.Image


def _head(image: Image) -> _Head:
    empty, inside = background(image.voxels), foreground(image.voxels)
    bright = np.percentile(image.voxels[inside], 98)
    voxels = np.clip((image.voxels - empty) / (bright - empty or 1.0), -0.5, 1.5).astype(np.float32)
    return _Head(voxels, inside, *(_as_itk(part, image.spacing) for part in (voxels, inside.astype(np.float32))))


def _register(
    pair: Sequence[_Head], start: sitk.Transform, residual: sitk.Transform, levels: Sequence[int], iterations: int
) -> None:
    """Improve ``residual``, which comes before ``start`` on the way from the first image's points to the second's."""
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsCorrelation()
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-3, iterations, relaxationFactor=0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(list(levels))
    method.SetSmoothingSigmasPerLevel([0.5 * level for level in levels])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOff()
    method.SetMovingInitialTransform(start)
    method.SetInitialTransform(residual, inPlace=True)
    try:
        method.Execute(*(head.image for head in pair))
    except RuntimeError:
        # The images came to lie beside each other: their correlation will say so.
        return


def _correlation(fixed: _Head, moving: _Head, transform: sitk.Transform) -> float:
    # Beyond the field of view there is no head, so that this is also where both images show something.
    seen = _resampled(moving.mask, fixed.image, transform) > 0.5
    both = fixed.inside & seen
    # Away from the edge of a mask, which all skull-stripped heads share.
    core = ndimage.binary_erosion(both, iterations=2)
    if both.sum() < LEAST_OVERLAP * min(fixed.inside.sum(), seen.sum()) or core.sum() < LEAST_VOXELS:
        return 0.0
    first, second = (_detail(part)[core] for part in (fixed.voxels, _resampled(moving.image, fixed.image, transform)))
    if min(first.std(), second.std()) < 1e-6:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _detail(voxels: np.ndarray) -> np.ndarray:
    fine, broad = (ndimage.gaussian_filter(voxels, scale) for scale in SCALES)
    return np.asarray(fine - broad)


def _resampled(moving: sitk.Image, fixed: sitk.Image, transform: sitk.Transform) -> np.ndarray:
    return np.asarray(sitk.GetArrayFromImage(sitk.Resample(moving, fixed, transform, sitk.sitkLinear, 0.0)).T)


def _as_itk(voxels: np.ndarray, spacing: np.ndarray) -> sitk.Image:
    """Convert to an ITK image whose first axis is the array's first; it lies at the origin, without any orientation."""
    converted = sitk.GetImageFromArray(np.ascontiguousarray(voxels.T))
    converted.SetSpacing(spacing.tolist())
    return converted
