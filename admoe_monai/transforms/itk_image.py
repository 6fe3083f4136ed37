"""Between MONAI's tensors and SimpleITK's images, whose millimetres differ in the signs of the first two axes.

Shapes: ``X, Y, Z`` spatial axes. MONAI and NIfTI count in RAS (right, anterior, superior), ITK in LPS.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import SimpleITK as sitk  # noqa: N813 - its customary name
from monai.config import NdarrayOrTensor
from monai.data import MetaTensor
from monai.utils import convert_to_numpy
from numpy.typing import NDArray

__all__ = ["affine_of", "blurred", "coarse", "from_itk", "matrix_of", "on_grid", "one_thread", "to_itk", "transform_of"]

_FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])


def affine_of(img: NdarrayOrTensor) -> NDArray[np.float64]:
    """The affine of a volume: voxel indices to mm, RAS.

    Args:
        img: a volume of MONAI's.

    Raises:
        ValueError: If it carries none.
    """
    if not isinstance(img, MetaTensor):
        raise ValueError(f"expected a MetaTensor with its affine in mm, got {type(img).__name__}")
    return np.asarray(img.affine, dtype=np.float64)


def to_itk(volume: NdarrayOrTensor, affine: NDArray[np.float64]) -> sitk.Image:
    """Hand a volume to SimpleITK, as float32 unless it is uint8.

    Args:
        volume: ``(X, Y, Z)``.
        affine: voxel indices to mm, RAS.
    """
    array = convert_to_numpy(volume)
    array = array if array.dtype == np.uint8 else array.astype(np.float32, copy=False)
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(2, 1, 0)))
    grid = _FLIP @ affine
    spacing = np.linalg.norm(grid[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((grid[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(grid[:3, 3].tolist())
    return image


def from_itk(image: sitk.Image) -> NDArray[np.float32]:
    """Take a volume back from SimpleITK.

    Args:
        image: three-dimensional.

    Returns:
        ``(X, Y, Z)``.
    """
    return np.ascontiguousarray(sitk.GetArrayViewFromImage(image).transpose(2, 1, 0))


def blurred(image: sitk.Image, spacing_mm: float) -> sitk.Image:
    """Blur along the axes that lose voxels when the image is read at a wider spacing.

    Args:
        image: three-dimensional.
        spacing_mm: edge of the new voxels; the blur's full width at half maximum.
    """
    for axis, spacing in enumerate(image.GetSpacing()):
        if spacing_mm > 1.3 * spacing:
            order = sitk.RecursiveGaussianImageFilter.ZeroOrder
            image = sitk.RecursiveGaussian(image, spacing_mm / 2.355, False, order, axis)
    return image


def coarse(image: sitk.Image, spacing_mm: float) -> sitk.Image:
    """Resample to cubic voxels along the image's own axes.

    Args:
        image: three-dimensional.
        spacing_mm: edge of the new voxels.
    """
    extents = zip(image.GetSize(), image.GetSpacing(), strict=True)
    size = [max(1, round(count * spacing / spacing_mm)) for count, spacing in extents]
    grid = (image.GetOrigin(), (spacing_mm,) * 3, image.GetDirection())
    narrow = sitk.Resample(blurred(image, spacing_mm), size, sitk.Transform(), sitk.sitkLinear, *grid)
    return sitk.Cast(narrow, sitk.sitkFloat32)


def on_grid(
    image: sitk.Image, matrix: NDArray[np.float64], grid: sitk.Image, nearest: bool, outside: float
) -> sitk.Image:
    """Read an image at the places to which an affine takes the voxels of a grid.

    Args:
        image: to read.
        matrix: 4 x 4, mm of the grid to mm of the image, RAS.
        grid: whose voxels are wanted.
        nearest: take the nearest voxel instead of a mean of eight.
        outside: value beyond the image.
    """
    interpolator = sitk.sitkNearestNeighbor if nearest else sitk.sitkLinear
    return sitk.Resample(image, grid, transform_of(matrix), interpolator, outside)


def matrix_of(transform: sitk.AffineTransform) -> NDArray[np.float64]:
    """The 4 x 4 matrix of an affine transform, in mm of RAS.

    Args:
        transform: with any centre.
    """
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(transform.GetMatrix(), (3, 3))
    centre = np.array(transform.GetCenter())
    matrix[:3, 3] = centre + np.array(transform.GetTranslation()) - matrix[:3, :3] @ centre
    return _FLIP @ matrix @ _FLIP


def transform_of(matrix: NDArray[np.float64]) -> sitk.AffineTransform:
    """The affine transform of a 4 x 4 matrix, the inverse of :func:`matrix_of`.

    Args:
        matrix: in mm of RAS.
    """
    flipped = _FLIP @ np.asarray(matrix, dtype=np.float64) @ _FLIP
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(flipped[:3, :3].ravel().tolist())
    transform.SetTranslation(flipped[:3, 3].tolist())
    return transform


@contextmanager
def one_thread() -> Iterator[None]:
    """Let ITK's filters run in one thread, so that the same scan gives the same bits on machines with any number of cores.

    The number of a filter itself (SimpleITK 2.5) does not reach the filters and metrics inside it.
    """
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
