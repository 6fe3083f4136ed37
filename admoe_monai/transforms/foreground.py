"""Where the head or brain is, in 2D and 3D.

Shapes: ``*S`` spatial axes. The foreground is a region of interest for cropping, normalisation and masking; it is no
skull stripping.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813 - its customary name
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_numpy
from scipy import ndimage

from admoe_monai.errors import UserError

from .load_scan import LoadScan
from .mask_on_grid import mask_on_grid

__all__ = ["Foreground", "Foregroundd"]


class Foreground(Transform):
    """Separate head or brain from the background.

    Where the edge of the image is one constant (a skull-stripped or padded scan), everything above that constant is
    foreground. Otherwise the threshold lies half way between the background, read off the image's edge, and
    Otsu's threshold (Otsu 1979): Otsu's own splits bright from dark tissue and loses cerebrospinal fluid. Holes are
    filled, and pieces smaller than ``min_share`` of the largest one are dropped.

    Args:
        constant_share: share of the edge voxels that must equal the minimum for the background to count as constant.
        min_share: smallest piece that is kept, as a share of the largest.

    Raises:
        ValueError: If a share lies outside [0, 1].
    """

    backend = [TransformBackends.NUMPY]  # noqa: RUF012 - MONAI's own declaration

    def __init__(self, constant_share: float = 0.99, min_share: float = 0.02) -> None:
        for name, share in (("constant_share", constant_share), ("min_share", min_share)):
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"{name} must lie between 0 and 1, got {share}")
        self.constant_share = constant_share
        self.min_share = min_share

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Find the foreground of one image.

        Args:
            img: ``(C, *S)``; several channels are averaged.

        Returns:
            ``(1, *S)`` uint8 of the same kind as ``img``, 1 inside.

        Raises:
            ValueError: If the image is constant.
        """
        volume = convert_to_numpy(img).mean(axis=0, dtype=np.float32)
        low, high = float(volume.min()), float(volume.max())
        if not low < high:
            raise ValueError(f"the image has no foreground: all its voxels are {low:g}")
        edge = np.concatenate([np.take(volume, end, axis).ravel() for axis in range(volume.ndim) for end in (0, -1)])
        if np.mean(edge == low) >= self.constant_share:
            # Resampling leaves a faint rim around the head; a thousandth of the range is far below any tissue.
            threshold = low + 1e-3 * (high - low)
        else:
            threshold = 0.5 * (float(np.median(edge)) + _otsu_threshold(volume))
        inside = self._clean(volume > threshold)
        return convert_to_dst_type(inside[None], dst=img, dtype=np.uint8)[0]

    def _clean(self, inside: np.ndarray) -> np.ndarray:
        pieces, _ = ndimage.label(ndimage.binary_fill_holes(inside))
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        return (sizes >= max(self.min_share * sizes.max(), 1))[pieces]


def _otsu_threshold(volume: np.ndarray) -> float:
    otsu = sitk.OtsuThresholdImageFilter()
    otsu.Execute(sitk.GetImageFromArray(volume))
    return float(otsu.GetThreshold())


def _from_mask(mask: MetaTensor | str, img: MetaTensor) -> MetaTensor:
    if isinstance(mask, MetaTensor):
        return mask_on_grid(mask, img)
    try:
        return mask_on_grid(LoadScan(spatial_dims=img.ndim - 1)(mask), img)
    except UserError as error:
        raise UserError(f"mask {mask}: {error}") from error


class Foregroundd(MapTransform):
    """Dictionary twin of :class:`Foreground`: adds the foreground beside the image, with the image's affine.

    A mask made elsewhere counts more than what the voxels say: it is read on the image's grid and becomes the foreground.

    Args:
        keys: key of the image.
        foreground_key: key of the foreground to write.
        mask_key: key of such a mask, or of the path of its file; an item may lack it.
        constant_share: see :class:`Foreground`.
        min_share: see :class:`Foreground`.
        allow_missing_keys: do nothing where the image is missing from an item.
    """

    backend = Foreground.backend

    def __init__(
        self,
        keys: KeysCollection = "image",
        foreground_key: str = "foreground",
        mask_key: str = "brain_mask",
        constant_share: float = 0.99,
        min_share: float = 0.02,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise ValueError(f"one foreground belongs to one image, got keys {self.keys}")
        self.transform = Foreground(constant_share, min_share)
        self.foreground_key = foreground_key
        self.mask_key = mask_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with the foreground."""
        item = dict(data)
        for key in self.key_iterator(item):
            mask = item.get(self.mask_key)
            foreground = self.transform(item[key]) if mask is None else _from_mask(mask, item[key])
            if isinstance(foreground, MetaTensor):
                # A history shared with the image would be inverted and extended twice.
                foreground.applied_operations = []
            item[self.foreground_key] = foreground
        return item
