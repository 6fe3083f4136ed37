"""Occlusion by region: what the difference of logits loses where a region looks like everybody's.

MONAI's `OcclusionSensitivity` (1.6.1) fills a box with one grey value or fades it to zero, which no brain has there, and raises
on a function of one's own as its `mode`; its boxes slide, so a region of another shape can't be asked for (see MONAI#8428 too).

Axis letters: B batch, C channels, *S spatial axes, R regions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .difference import LogitDifference

#: Share of a cube that has to be head: less of it is mostly air.
LEAST_SHARE = 0.25


def cubes(foreground: NDArray[np.floating[Any]], edge: int) -> NDArray[np.int32]:
    """Divide a head into cubes, or a slice into squares.

    Args:
        foreground: Share of scans whose head covers the voxel, (*S), 0 to 1.
        edge: Edge in voxels.

    Returns:
        Number of the region of each voxel, (*S), from 1; 0 where there is none.
    """
    shape = foreground.shape
    places = np.meshgrid(*(np.arange(length) // edge for length in shape), indexing="ij")
    whole = np.ravel_multi_index(tuple(places), [-(-length // edge) for length in shape])
    share = np.bincount(whole.ravel(), foreground.ravel() > 0.5) / edge ** len(shape)
    kept = np.flatnonzero(share >= LEAST_SHARE)
    numbers = np.zeros(whole.max() + 1, dtype=np.int32)
    numbers[kept] = np.arange(1, len(kept) + 1)
    return np.asarray(numbers[whole])


def occlusion(
    difference: LogitDifference, image: Tensor, regions: Tensor, fill: Tensor, batch_size: int = 8, **named: Any
) -> Tensor:
    """Replace one region after the other and tell what that takes from the difference.

    Args:
        difference: What is explained.
        image: Scan, (1, C, *S).
        regions: Number of the region of each voxel, (*S), from 1; 0 is left alone.
        fill: What stands in a region in place of the scan, (*S), such as the mean of all scans.
        batch_size: Number of scans at a time.
        named: Further arguments of the network, for one scan: the prior (1, P).

    Returns:
        Logits per region, (R,): positive where what is special about this scan speaks for the class.
    """
    count = int(regions.max())
    with torch.no_grad():
        whole = difference(image, **named)[0, 0]
        parts = [
            difference(_occluded(image, regions, fill, numbers), **_repeated(named, len(numbers)))[:, 0]
            for start in range(1, count + 1, batch_size)
            if (numbers := list(range(start, min(start + batch_size, count + 1))))
        ]
    return whole - torch.cat(parts) if parts else whole.new_zeros(0)


def _occluded(image: Tensor, regions: Tensor, fill: Tensor, numbers: Sequence[int]) -> Tensor:
    inside = torch.stack([regions == number for number in numbers])[:, None]
    return torch.where(inside, fill.to(image), image)


def _repeated(named: dict[str, Any], count: int) -> dict[str, Any]:
    return {
        name: value.expand(count, *value.shape[1:]) if isinstance(value, Tensor) else value
        for name, value in named.items()
    }
