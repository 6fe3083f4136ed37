"""A fingerprint per image: the head at low resolution, in a pose and size that a copy of the image shares.

The pose is that of the principal axes of the foreground, the size its spread around its centre. Mirroring, turning by 90
degrees, another field of view and another voxel size change neither. Where two axes are about equally long, as in a
coronal slice, their directions say nothing, and comparing tries turns in their plane.

Shapes: ``*G`` axes of the fingerprint's grid, D of them, each of the same length; N images.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .images import Image, background, coarse, foreground

__all__ = ["Fingerprint", "Pose", "detail_vectors", "fingerprint", "similarities", "turns"]

#: Number of grid points of a fingerprint: 64 along each axis of a slice, 16 of a volume.
POINTS = 4096
#: Half width of the grid in spreads (root mean square distances per axis).
SPAN = 1.7
#: Detail between these scales is compared: standard deviations of two blurs as shares of the grid's width.
SCALES = (1 / 32, 1 / 8)
#: Two principal axes whose variances have at least this ratio have no direction worth trusting.
ROUND = 0.7
TURN_DEGREES = 10


@dataclass(frozen=True)
class Pose:
    """Position, axes and size of a head: ``centre + radius * axes @ u`` for a point ``u`` of the fingerprint's grid.

    Attributes:
        centre: Centre of the foreground (D,), in the unit of the image's spacing.
        axes: Principal axes in columns (D, D), the longest first.
        radius: Root mean square distance from the centre per axis.
    """

    centre: np.ndarray
    axes: np.ndarray
    radius: float


@dataclass(frozen=True)
class Fingerprint:
    """An image in its own pose, at low resolution.

    Attributes:
        pose: Pose of the head in the image.
        grid: Intensities (*G), 0 for the background and 1 for bright tissue.
        planes: Pairs of axes whose directions are not reliable.
    """

    pose: Pose
    grid: np.ndarray
    planes: tuple[tuple[int, int], ...]


def fingerprint(image: Image) -> Fingerprint:
    """Bring a slice or volume into its own pose at low resolution."""
    low = coarse(image)
    inside = foreground(low.voxels)
    points = np.argwhere(inside) * low.spacing
    centre = points.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov(points.T, bias=True) + 1e-9 * np.eye(points.shape[1]))
    variances, axes = variances[::-1], axes[:, ::-1]
    pose = Pose(centre, axes, float(np.sqrt(variances.mean())))
    empty, bright = background(low.voxels), float(np.percentile(low.voxels[inside], 98))
    dims = image.voxels.ndim
    across = _coordinates(round(POINTS ** (1 / dims)), dims)
    places = (centre[:, None] + pose.radius * axes @ across.reshape(dims, -1)) / low.spacing[:, None]
    values = ndimage.map_coordinates(low.voxels, places, order=1, cval=empty).reshape(across.shape[1:])
    grid = np.clip((values - empty) / (bright - empty or 1.0), -0.5, 1.5).astype(np.float32)
    pairs = itertools.combinations(range(dims), 2)
    return Fingerprint(pose, grid, tuple(pair for pair in pairs if variances[pair[1]] > ROUND * variances[pair[0]]))


def detail_vectors(prints: Sequence[Fingerprint | None]) -> dict[str, np.ndarray]:
    """Lay out fingerprints as vectors whose distance measures how much two images differ.

    Args:
        prints: One per image, None where it could not be read.

    Returns:
        Per number of axes one array (N, F), NaN in the rows of other images.
    """
    vectors = {}
    for dims in sorted({item.grid.ndim for item in prints if item is not None}):
        rows = [number for number, item in enumerate(prints) if item is not None and item.grid.ndim == dims]
        details = _unit(
            np.stack([_detail(item.grid).ravel() for item in prints if item is not None and item.grid.ndim == dims])
        )
        vectors[f"{dims}D images"] = np.full((len(prints), details.shape[1]), np.nan, dtype=np.float32)
        vectors[f"{dims}D images"][rows] = details
    return vectors


def turns(dims: int, planes: Sequence[tuple[int, int]]) -> Iterator[tuple[tuple[int, int] | None, np.ndarray]]:
    """Yield the rotations to compare before mirroring: none, and steps of ten degrees within each plane.

    Args:
        dims: Number of axes D.
        planes: Pairs of axes.

    Yields:
        The plane (None for no rotation) and the matrix (D, D).
    """
    yield None, np.eye(dims)
    for plane in planes:
        # Half a circle: the other half is a turn and two mirrorings.
        for degrees in range(TURN_DEGREES, 180, TURN_DEGREES):
            cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
            matrix = np.eye(dims)
            matrix[np.ix_(plane, plane)] = [[cosine, -sine], [sine, cosine]]
            yield plane, matrix


def similarities(prints: Sequence[Fingerprint]) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Correlate all pairs: the first with the best of the rotated and mirrored forms of the second.

    Args:
        prints: Fingerprints of images with the same number of axes.

    Returns:
        Correlations (N, N), the number of the best form (N, N), and the matrix of each form: a point ``u`` of the
        first fingerprint is the point ``matrix @ u`` of the second.
    """
    dims = prints[0].grid.ndim
    ball = np.linalg.norm(_coordinates(prints[0].grid.shape[0], dims), axis=0) <= SPAN
    first = _unit(np.stack([_detail(item.grid)[ball] for item in prints]))
    best = np.full((len(prints), len(prints)), -1.0, dtype=np.float32)
    form = np.zeros(best.shape, dtype=np.int16)
    matrices: list[np.ndarray] = []
    planes = sorted({plane for item in prints for plane in item.planes})
    for plane, turn in turns(dims, planes):
        members = [n for n, item in enumerate(prints) if plane is None or plane in item.planes]
        turned = [_detail(prints[n].grid if plane is None else _turned(prints[n].grid, turn)) for n in members]
        for signs in itertools.product((1, -1), repeat=dims):
            mirror = tuple(slice(None, None, sign) for sign in signs)
            values = first @ _unit(np.stack([grid[mirror][ball] for grid in turned])).T
            better = values > best[:, members]
            form[:, members] = np.where(better, len(matrices), form[:, members])
            best[:, members] = np.where(better, values, best[:, members])
            matrices.append(turn @ np.diag(signs).astype(float))
    return best, form, matrices


def _coordinates(length: int, dims: int) -> np.ndarray:
    ticks = np.linspace(-SPAN, SPAN, length)
    return np.stack(np.meshgrid(*[ticks] * dims, indexing="ij"))


def _turned(grid: np.ndarray, turn: np.ndarray) -> np.ndarray:
    middle = (np.array(grid.shape) - 1) / 2
    return np.asarray(ndimage.affine_transform(grid, turn, middle - turn @ middle, order=1))


def _detail(grid: np.ndarray) -> np.ndarray:
    fine, broad = (ndimage.gaussian_filter(grid, scale * grid.shape[0]) for scale in SCALES)
    return np.asarray(fine - broad)


def _unit(rows: np.ndarray) -> np.ndarray:
    centred = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12))
