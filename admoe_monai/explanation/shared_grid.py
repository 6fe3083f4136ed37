"""One grid for the maps of all people whose scans share a space.

Each scan is cropped to its head before the network sees it, so a place of the input is another place of the brain from one
person to the next. The affine of the input says which; slices have none to rely on and are averaged as the network sees them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.processing import resample_from_to
from numpy.typing import NDArray

Volume = NDArray[np.float32]


@dataclass(frozen=True)
class SharedGrid:
    """Grid of all maps.

    Attributes:
        shape: Number of voxels along each axis.
        affine: Matrix (4, 4) from voxel indices to mm; of slices, to pixels.
    """

    shape: tuple[int, ...]
    affine: NDArray[np.float64]

    @classmethod
    def around(cls, affines: Sequence[NDArray[np.float64]], shape: Sequence[int]) -> SharedGrid:
        """Choose the grid in the middle of several of one voxel size and orientation, on the lattice of the first.

        Args:
            affines: Affine of each input, (4, 4).
            shape: Number of voxels of an input along each axis.
        """
        first = affines[0]
        steps = np.linalg.inv(first) @ np.median(np.stack(affines), axis=0)[:, 3]
        affine = first.copy()
        # Whole steps: where all scans are on one lattice, nothing is interpolated.
        affine[:3, 3] = (first @ np.append(np.round(steps[:3]), 1.0))[:3]
        return cls(tuple(shape), affine)

    @property
    def edge_mm(self) -> float:
        """Edge of a voxel in mm, the mean over the axes."""
        return float(np.mean(np.linalg.norm(self.affine[:3, : len(self.shape)], axis=0)))

    def gather(self, volume: NDArray[Any], affine: NDArray[np.float64]) -> Volume:
        """Bring a map of one input onto the grid; 0 where the input does not reach.

        Args:
            volume: Map, (*S).
            affine: Affine of the input.
        """
        return _moved(volume, affine, self.shape, self.affine, order=1)

    def hand_back(self, volume: NDArray[Any], affine: NDArray[np.float64], nearest: bool = False) -> Volume:
        """Bring a map of the grid onto one input.

        Args:
            volume: Map of the grid, (*S).
            affine: Affine of the input.
            nearest: Whether values are names, which are not interpolated.
        """
        return _moved(volume, self.affine, self.shape, affine, order=0 if nearest else 1)


def _moved(
    volume: NDArray[Any],
    here: NDArray[np.float64],
    shape: tuple[int, ...],
    there: NDArray[np.float64],
    order: int,
) -> Volume:
    values = np.asarray(volume, dtype=np.float32)
    if np.array_equal(here, there) and values.shape == shape:
        return values
    moved = resample_from_to(nib.Nifti1Image(values, here), (shape, there), order=order, mode="constant", cval=0.0)
    return np.asarray(moved.dataobj, dtype=np.float32)
