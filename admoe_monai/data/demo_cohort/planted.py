"""Where the simulated disease acts: the structures of a middling head, as small and as large as the disease makes them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .anatomy import STRUCTURES, FloatArray, load_anatomy, sample
from .grid import CENTRE
from .growth import load_flow

__all__ = ["planted_structures"]


def planted_structures(
    points: FloatArray, head_size_mm3: float, volumes_mm3: Mapping[str, float]
) -> dict[str, FloatArray]:
    """Look up the structures of a head that has the template's shape and no pose of its own.

    Args:
        points: Coordinates (3, N) of the scanner in mm.
        head_size_mm3: Volume of the brain mask.
        volumes_mm3: Volume of each structure.

    Returns:
        Share of each structure in the points, (N,), 0 to 1.
    """
    anatomy = load_anatomy()
    # As `Head`, without what differs from one person to the next.
    scale = np.float32((head_size_mm3 / float(anatomy.brain.sum(dtype=np.float64))) ** (1 / 3))
    centre = CENTRE[:, None].astype(np.float32)
    moved: FloatArray = (points.astype(np.float32) - centre) / scale + centre
    for name in reversed(STRUCTURES):
        flow = load_flow(name)
        moved = flow.move(moved, flow.amount_for(float(np.log(volumes_mm3[name] / scale**3))))
    return {name: sample(anatomy.labels[name], moved, anatomy.origin) for name in STRUCTURES}


def as_points(affine: NDArray[np.float64], shape: tuple[int, ...]) -> FloatArray:
    """List the coordinates (3, N) in mm of a grid's voxels, in C order.

    Args:
        affine: Matrix (4, 4) from voxel indices to mm.
        shape: Number of voxels along each axis.
    """
    index = np.stack(np.meshgrid(*(np.arange(length) for length in shape), indexing="ij")).reshape(3, -1)
    return np.asarray(affine[:3, :3] @ index + affine[:3, 3:], dtype=np.float32)
