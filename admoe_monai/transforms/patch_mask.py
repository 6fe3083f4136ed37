"""Random SimMIM masks on the patch grid (Xie et al. 2022, arXiv:2111.09886).

Shapes: ``*S`` spatial axes of the image, ``*G`` axes of the patch grid, ``G = ceil(S / patch_size)``. Mask: 1 = masked.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import MapTransform, Randomizable, Transform
from monai.utils import TransformBackends, convert_to_numpy, ensure_tuple_rep

__all__ = ["RandPatchMask", "RandPatchMaskd"]


class RandPatchMask(Randomizable, Transform):
    """Mask random cells of the image: exactly ``ceil(mask_ratio * cells)`` of them.

    Deviation from SimMIM, whose images are full: with a foreground, cells that hold none of it neither count towards
    the ratio nor are masked, so that the task is as hard for a small head as for a large one.

    Args:
        img_size: voxels per spatial axis; its length decides between 2D and 3D.
        patch_size: voxels per axis of one token of the network, one number or one per axis.
        mask_patch_size: voxels per axis of one cell, a multiple of ``patch_size``; cells at the far end of an axis
            may be cut off by it.
        mask_ratio: share of the cells that is masked, in (0, 1).

    Raises:
        ValueError: If a size is not positive, the cell is no multiple of the patch or the ratio lies outside (0, 1).

    Example:
        >>> mask = RandPatchMask(img_size=(64, 64, 64), patch_size=4, mask_patch_size=16)()
        >>> mask.shape, int(mask.sum())
        (torch.Size([1, 16, 16, 16]), 2496)
    """

    backend = [TransformBackends.NUMPY]  # noqa: RUF012 - MONAI's own declaration

    def __init__(
        self,
        img_size: Sequence[int],
        patch_size: int | Sequence[int] = 4,
        mask_patch_size: int | Sequence[int] = 16,
        mask_ratio: float = 0.6,
    ) -> None:
        self.img_size = tuple(int(size) for size in img_size)
        spatial_dims = len(self.img_size)
        self.patch_size: tuple[int, ...] = ensure_tuple_rep(patch_size, spatial_dims)
        self.mask_patch_size: tuple[int, ...] = ensure_tuple_rep(mask_patch_size, spatial_dims)
        if not self.img_size or min(*self.img_size, *self.patch_size, *self.mask_patch_size) < 1:
            raise ValueError(
                f"img_size, patch_size and mask_patch_size must be positive, "
                f"got {self.img_size}, {self.patch_size} and {self.mask_patch_size}"
            )
        if any(cell % patch for cell, patch in zip(self.mask_patch_size, self.patch_size, strict=True)):
            raise ValueError(
                f"mask_patch_size must be a multiple of patch_size, got {self.mask_patch_size} and {self.patch_size}"
            )
        if not 0.0 < mask_ratio < 1.0:
            raise ValueError(f"mask_ratio must lie between 0 and 1, got {mask_ratio}")
        self.mask_ratio = mask_ratio
        self.grid = tuple(math.ceil(s / p) for s, p in zip(self.img_size, self.patch_size, strict=True))
        self.cells = tuple(math.ceil(s / c) for s, c in zip(self.img_size, self.mask_patch_size, strict=True))
        self._chosen = np.empty(0, dtype=np.int64)

    def randomize(self, data: np.ndarray) -> None:
        """Choose which of the candidate cells are masked.

        Args:
            data: flat indices of the cells that may be masked.
        """
        # Decimal ratios are meant exactly: 0.55 * 100 is 55, not the 55.00000000000001 of binary floats.
        count = math.ceil(Fraction(str(float(self.mask_ratio))) * len(data))
        self._chosen = self.R.permutation(data)[:count]

    def __call__(self, foreground: NdarrayOrTensor | None = None) -> torch.Tensor:
        """Draw one mask.

        Args:
            foreground: ``(1, *S)``, nonzero inside the head or brain; without it every cell may be masked.

        Returns:
            ``(1, *G)`` bool.

        Raises:
            ValueError: If the foreground's spatial size is not ``img_size``, or it is empty.
        """
        self.randomize(self._candidates(foreground))
        mask = np.zeros(math.prod(self.cells), dtype=bool)
        mask[self._chosen] = True
        mask = mask.reshape(self.cells)
        for axis, (cell, patch) in enumerate(zip(self.mask_patch_size, self.patch_size, strict=True)):
            mask = mask.repeat(cell // patch, axis=axis)
        mask = mask[tuple(slice(size) for size in self.grid)]
        return torch.from_numpy(np.ascontiguousarray(mask))[None]

    def _candidates(self, foreground: NdarrayOrTensor | None) -> np.ndarray:
        if foreground is None:
            return np.arange(math.prod(self.cells))
        inside = convert_to_numpy(foreground) != 0
        if inside.shape != (1, *self.img_size):
            raise ValueError(f"expected a foreground of shape {(1, *self.img_size)}, got {inside.shape}")
        occupied = inside[0]
        for axis, (size, cell) in enumerate(zip(self.img_size, self.mask_patch_size, strict=True)):
            occupied = np.logical_or.reduceat(occupied, np.arange(0, size, cell), axis=axis)
        candidates = np.flatnonzero(occupied)
        if not len(candidates):
            raise ValueError("the foreground is empty: no cell can be masked")
        return candidates


class RandPatchMaskd(Randomizable, MapTransform):
    """Dictionary twin of :class:`RandPatchMask`: adds a mask beside the image.

    Args:
        keys: key of the image, read for its spatial size only.
        img_size: see :class:`RandPatchMask`.
        patch_size: see :class:`RandPatchMask`.
        mask_patch_size: see :class:`RandPatchMask`.
        mask_ratio: see :class:`RandPatchMask`.
        mask_key: key of the mask to write.
        foreground_key: key of the foreground to respect; ``None`` masks cells anywhere.
        allow_missing_keys: do nothing where the image's key is missing.
    """

    backend = RandPatchMask.backend

    def __init__(
        self,
        keys: KeysCollection,
        img_size: Sequence[int],
        patch_size: int | Sequence[int] = 4,
        mask_patch_size: int | Sequence[int] = 16,
        mask_ratio: float = 0.6,
        mask_key: str = "mask",
        foreground_key: str | None = "foreground",
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise ValueError(f"one mask belongs to one image, got keys {self.keys}")
        self.transform = RandPatchMask(img_size, patch_size, mask_patch_size, mask_ratio)
        self.mask_key = mask_key
        self.foreground_key = foreground_key

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> RandPatchMaskd:
        """Set the random state of the twin as well: it is the one that draws."""
        super().set_random_state(seed, state)
        self.transform.set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with the mask; the image must have the declared size."""
        item = dict(data)
        for key in self.key_iterator(item):
            size = tuple(item[key].shape[1:])
            if size != self.transform.img_size:
                raise ValueError(f"expected '{key}' of spatial size {self.transform.img_size}, got {size}")
            item[self.mask_key] = self.transform(None if self.foreground_key is None else item[self.foreground_key])
        return item
