"""Smooth interpolation from visible voxels: what a reconstruction must beat to have learned anything about brains.

Axis letters: S spatial axes (two or three).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.sparse import csr_matrix, diags, identity, kron, vstack
from scipy.sparse.linalg import LinearOperator, cg

TOLERANCE = 1e-3
MAX_ITERATIONS = 500


def smoothest_interpolation(
    image: np.ndarray, masked: np.ndarray, order: int = 2, tolerance: float = TOLERANCE
) -> np.ndarray:
    """Fill masked voxels so that the volume is as smooth as the visible voxels allow.

    Minimises the squared differences of the given order, summed over the axes, with the visible voxels held fixed and
    no condition at the edge of the volume. Order 1 gives the harmonic filling, order 2 the biharmonic one; both by
    conjugate gradients from the nearest visible voxels.

    Of the fillings tried that use the visible voxels alone, order 2 was the strongest, level with a full thin plate at
    half its time. Mean absolute error over masked foreground on six z-scored 2 mm brains of OASIS-1, 60 % masked, cells
    of 8 and of 16 voxels: order 2 0.55 and 0.65, order 1 0.66 and 0.83, nearest voxel 0.71 and 0.88, the best of four
    normalised Gaussian convolutions 0.67 and 0.73. The mean of the other brains gives 0.71 and 0.70. What knows more
    does better: order 2 on the difference to that mean gives 0.53 and 0.60.

    Args:
        image: Array (*S); the values under the mask have no influence.
        masked: Boolean array (*S), True = to be filled.
        order: Order of the differences, 1 or 2.
        tolerance: Residual of the normal equations, relative to their right side, at which to stop.

    Returns:
        float64 (*S), equal to the image where it is visible.

    Raises:
        ValueError: When the shapes differ, nothing is visible, or the order is not 1 or 2.
    """
    if image.shape != masked.shape:
        raise ValueError(f"image has shape {image.shape}, the mask {masked.shape}.")
    if order not in (1, 2):
        raise ValueError(f"order must be 1 or 2, got {order}.")
    if masked.all():
        raise ValueError("every voxel is masked: nothing to interpolate from.")
    filled = np.asarray(image, dtype=float).copy()
    if not masked.any():
        return filled
    nearest = distance_transform_edt(masked, return_distances=False, return_indices=True)
    filled[masked] = filled[tuple(nearest)][masked]
    unknown = masked.ravel()
    operator = _roughness(masked.shape, order)
    operator = operator[abs(operator) @ unknown.astype(float) > 0]
    free = operator[:, np.flatnonzero(unknown)]
    free_transposed = free.T.tocsr()
    target = -(operator @ np.where(unknown, 0.0, filled.ravel()))
    diagonal = np.asarray(free.power(2).sum(axis=0)).ravel()
    normal = LinearOperator((free.shape[1],) * 2, matvec=lambda x: free_transposed @ (free @ x), dtype=float)
    solution, _ = cg(
        normal,
        free_transposed @ target,
        x0=filled[masked],
        rtol=tolerance,
        maxiter=MAX_ITERATIONS,
        M=diags(1 / np.maximum(diagonal, 1e-12)),
    )
    filled[masked] = solution
    return filled


def _roughness(shape: Sequence[int], order: int) -> csr_matrix:
    """Build the differences whose squares are minimised, as a matrix on the flattened volume.

    Order 1: every first difference. Order 2: the Laplacian at every voxel, to which an axis at whose end the voxel lies
    contributes nothing; so a linear ramp is perfectly smooth everywhere.
    """
    along_axes = []
    for axis, length in enumerate(shape):
        if order == 1:
            line = diags([-1.0, 1.0], [0, 1], shape=(length - 1, length))
        else:
            inside = np.r_[0.0, np.ones(max(length - 2, 0)), 0.0][:length]
            line = diags(inside) @ diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(length, length))
        factors = [line if other == axis else identity(size) for other, size in enumerate(shape)]
        along_axes.append(reduce(lambda a, b: kron(a, b, format="csr"), factors))
    return vstack(along_axes, format="csr") if order == 1 else csr_matrix(sum(along_axes))
