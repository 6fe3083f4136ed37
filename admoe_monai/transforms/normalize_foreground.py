"""Intensity normalisation by statistics of the foreground alone.

Shapes: ``C`` channels, ``*S`` spatial axes.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_numpy

__all__ = ["NormalizeForeground", "NormalizeForegroundd"]


class NormalizeForeground(Transform):
    """Clip to percentiles of the foreground, then give it mean 0 and standard deviation 1; the background becomes 0.

    MONAI's ``NormalizeIntensity`` takes its statistics from nonzero voxels, which is the whole image where the
    background is not exactly zero. Zero outside is also what padding adds later.

    Args:
        lower: lower percentile of the clip, in [0, 100).
        upper: upper percentile of the clip, in (0, 100].

    Raises:
        ValueError: If the percentiles are not ``0 <= lower < upper <= 100``.
    """

    backend = [TransformBackends.NUMPY]  # noqa: RUF012 - MONAI's own declaration

    def __init__(self, lower: float = 0.5, upper: float = 99.5) -> None:
        if not 0.0 <= lower < upper <= 100.0:
            raise ValueError(f"percentiles must satisfy 0 <= lower < upper <= 100, got {lower} and {upper}")
        self.lower = lower
        self.upper = upper

    def __call__(self, img: NdarrayOrTensor, foreground: NdarrayOrTensor) -> NdarrayOrTensor:
        """Normalise one image, channel by channel.

        Args:
            img: ``(C, *S)``.
            foreground: ``(1, *S)``, nonzero inside.

        Returns:
            ``(C, *S)`` float32 of the same kind as ``img``.

        Raises:
            ValueError: If the shapes differ, or the foreground is empty or constant.
        """
        inside = convert_to_numpy(foreground)[0] != 0
        values = convert_to_numpy(img)
        if inside.shape != values.shape[1:]:
            raise ValueError(f"image and foreground differ in size: {values.shape[1:]} and {inside.shape}")
        if not inside.any():
            raise ValueError("the foreground is empty: nothing to normalise by")
        normalised = np.zeros(values.shape, dtype=np.float32)
        for channel, output in zip(values, normalised, strict=True):
            voxels = channel[inside].astype(np.float32)
            voxels = np.clip(voxels, *np.percentile(voxels, (self.lower, self.upper)))
            spread = voxels.std(dtype=np.float64)
            if not spread > 0:
                raise ValueError("the foreground is constant: it can't be normalised")
            output[inside] = (voxels - voxels.mean(dtype=np.float64)) / spread
        return convert_to_dst_type(normalised, dst=img, dtype=np.float32)[0]


class NormalizeForegroundd(MapTransform):
    """Dictionary twin of :class:`NormalizeForeground`.

    Args:
        keys: keys of the images.
        foreground_key: key of their foreground.
        lower: see :class:`NormalizeForeground`.
        upper: see :class:`NormalizeForeground`.
        allow_missing_keys: skip keys that an item lacks.
    """

    backend = NormalizeForeground.backend

    def __init__(
        self,
        keys: KeysCollection = "image",
        foreground_key: str = "foreground",
        lower: float = 0.5,
        upper: float = 99.5,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.foreground_key = foreground_key
        self.transform = NormalizeForeground(lower, upper)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with normalised images."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.transform(item[key], item[self.foreground_key])
        return item
