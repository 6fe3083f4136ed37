"""A mask made elsewhere, on the grid of the image that it belongs to.

Shapes: ``*S`` spatial axes of the image, ``*M`` axes of the mask, two or three of each.
"""

from __future__ import annotations

import numpy as np
from monai.data import MetaTensor
from monai.utils import convert_to_dst_type, convert_to_numpy
from scipy import ndimage

from admoe_monai.errors import UserError

__all__ = ["mask_on_grid"]


def mask_on_grid(mask: MetaTensor, img: MetaTensor) -> MetaTensor:
    """Read a mask at the voxels of an image: the nearest voxel, 0 beyond the mask's edge.

    Args:
        mask: ``(1, *M)`` with its affine, nonzero inside.
        img: ``(C, *S)`` with its affine.

    Returns:
        ``(1, *S)`` uint8 with the image's affine.

    Raises:
        UserError: If nothing of the mask lies within the image.
    """
    inside = convert_to_numpy(mask)[0] != 0
    spatial_dims = inside.ndim
    to_mask = np.linalg.inv(_affine(mask, spatial_dims)) @ _affine(img, spatial_dims)
    if inside.shape != tuple(img.shape[1:]) or not np.allclose(to_mask, np.eye(spatial_dims + 1), atol=1e-4):
        inside = ndimage.affine_transform(
            inside.astype(np.uint8), to_mask, output_shape=tuple(img.shape[1:]), order=0, mode="constant", cval=0
        )
    if not inside.any():
        raise UserError("the mask and the scan lie apart: no voxel of the scan is inside; check the mask's header")
    read: MetaTensor = convert_to_dst_type(np.ascontiguousarray(inside[None]), dst=img, dtype=np.uint8)[0]
    read.applied_operations = []
    return read


def _affine(img: MetaTensor, spatial_dims: int) -> np.ndarray:
    """Voxel indices to mm along the spatial axes alone; MONAI's affine of a slice has three of them."""
    stored = np.asarray(img.affine, dtype=np.float64)
    affine = np.eye(spatial_dims + 1)
    affine[:-1, :-1] = stored[:spatial_dims, :spatial_dims]
    affine[:-1, -1] = stored[:spatial_dims, -1]
    return affine
