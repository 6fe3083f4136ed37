"""Images for the near-duplicate check: intensities on a grid of known spacing, in two or three dimensions.

Shapes: ``*S`` spatial axes, D of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 - its customary name
from scipy import ndimage

from admoe_monai.errors import UserError
from admoe_monai.scan_files import ScanFileError, open_scan

__all__ = ["Image", "background", "foreground", "read_image", "reduced"]

#: A grid is taken as it is if its voxels differ by less than this share from those asked for.
SAME_SPACING = 0.01
#: Standard deviation of the blur before an image is sampled more coarsely, in voxels of the coarser grid.
BLUR = 0.42
#: Largest number of voxels along an axis on which foregrounds are measured.
COARSE = 48


@dataclass(frozen=True)
class Image:
    """Intensities on a grid; positions are index times spacing, whatever the header says about orientation.

    Attributes:
        voxels: (*S) float32.
        spacing: Edge of a voxel along each axis (D,), in mm if the header is right.
    """

    voxels: np.ndarray
    spacing: np.ndarray


def read_image(path: str | Path) -> Image:
    """Read an image as training does.

    Args:
        path: Path as for :func:`admoe_monai.scan_files.open_scan`.

    Raises:
        UserError: If it can't be read, has neither two nor three axes, or is constant or not finite.
    """
    try:
        scan = open_scan(path)
        voxels = scan.voxels()
    except ScanFileError as error:
        raise UserError(f"image {path} {error}: replace the file or drop its visit") from error
    return Image(voxels, np.linalg.norm(scan.affine[: voxels.ndim, : voxels.ndim], axis=0))


def background(voxels: np.ndarray) -> float:
    """Level outside the head: the median of the edges of the grid."""
    edges = [np.take(voxels, end, axis).ravel() for axis in range(voxels.ndim) for end in (0, -1)]
    return float(np.median(np.concatenate(edges)))


def foreground(voxels: np.ndarray) -> np.ndarray:
    """Mask of the head or brain: the largest piece beyond half of Otsu's threshold (Otsu 1979), holes filled.

    Args:
        voxels: Intensities (*S), not constant.

    Returns:
        Mask (*S), bool, with at least one voxel inside.
    """
    empty = background(voxels)
    otsu = sitk.OtsuThresholdImageFilter()
    # Starting threads takes longer than the work that they would share.
    otsu.SetNumberOfThreads(1)
    otsu.Execute(sitk.GetImageFromArray(voxels))
    contrast = otsu.GetThreshold() - empty
    # On a white ground the head is what is darker.
    inside = (voxels - empty) * np.sign(contrast) > 0.5 * abs(contrast)
    if not inside.any():
        inside = voxels != empty
    pieces, _ = ndimage.label(inside)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray(ndimage.binary_fill_holes(pieces == sizes.argmax()))


def reduced(image: Image, edge: float) -> Image:
    """Sample an image on cubic voxels, after the blur that a coarser grid needs.

    Args:
        image: Image of any spacing.
        edge: Edge of the new voxels, in the unit of the spacing.
    """
    if np.allclose(image.spacing, edge, rtol=SAME_SPACING):
        return image
    ratio = edge / image.spacing
    blurred = ndimage.gaussian_filter(image.voxels, np.where(ratio > 1 + SAME_SPACING, BLUR * ratio, 0.0))
    shape = np.maximum(np.ceil(np.array(image.voxels.shape) / ratio - SAME_SPACING), 1).astype(int)
    sampled = ndimage.affine_transform(blurred, ratio, output_shape=tuple(shape), order=1, mode="nearest")
    return Image(sampled, np.full(image.voxels.ndim, edge))


def coarse(image: Image) -> Image:
    """Sample an image with 48 voxels along its longest axis."""
    return reduced(image, float((np.array(image.voxels.shape) * image.spacing).max()) / COARSE)
