"""The 16-bit steps in which preprocessed scans are stored, for scans that come to a network without having been stored.

Shapes: ``*S`` spatial axes.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_numpy
from numpy.typing import NDArray

__all__ = ["RoundToSteps", "RoundToStepsd", "sixteen_bit_steps"]


def sixteen_bit_steps(volume: NdarrayOrTensor) -> tuple[NDArray[np.int16], float]:
    """Count intensities in steps of 1/32767 of the largest one, where 0 stays 0.

    Half the size of 32-bit floats, and the step is a hundredth of any scan's noise.

    Args:
        volume: ``(*S,)``, not 0 throughout.

    Returns:
        The counts, and the step as a NIfTI header holds it.
    """
    values = convert_to_numpy(volume).astype(np.float64)
    step = float(np.float32(np.abs(values).max() / np.iinfo(np.int16).max))
    return np.rint(values / step).clip(-np.iinfo(np.int16).max, np.iinfo(np.int16).max).astype(np.int16), step


class RoundToSteps(Transform):
    """Round a volume to what is read again after it was stored (see :func:`sixteen_bit_steps`)."""

    backend = [TransformBackends.NUMPY]  # noqa: RUF012 - MONAI's own declaration

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Round one volume.

        Args:
            img: ``(1, *S)``.

        Returns:
            The same shape and kind, float32.
        """
        steps, step = sixteen_bit_steps(img[0])
        rounded: NdarrayOrTensor = convert_to_dst_type((steps * step).astype(np.float32)[None], dst=img)[0]
        return rounded


class RoundToStepsd(MapTransform):
    """Dictionary twin of :class:`RoundToSteps`.

    Args:
        keys: keys of the volumes.
        allow_missing_keys: skip keys that an item lacks.
    """

    backend = RoundToSteps.backend

    def __init__(self, keys: KeysCollection = "image", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = RoundToSteps()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with rounded volumes."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.transform(item[key])
        return item
