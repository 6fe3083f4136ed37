"""The anatomy that every simulated head is warped from: the MNI152 template and approximate labels of structures.

nilearn ships the skull-stripped, symmetric MNI152 T1w template (ICBM 2009a) with grey and white matter maps; nothing is
downloaded. It carries no labels of structures, so these are drawn by geometry in MNI millimetres together with the
template's own intensity. They follow the visible borders closely enough to be warped and weighed; they are not an
atlas, and their volumes are no reference for real heads.

Axes: X Y Z = left-right, posterior-anterior, inferior-superior (RAS), in mm of MNI space.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["STRUCTURES", "Anatomy", "load_anatomy", "sample"]

STRUCTURES = ("lateral_ventricles", "hippocampus_left", "hippocampus_right")

FloatArray = NDArray[np.float32]

# Intensities of the template, whose white matter lies near 0.86 and grey matter near 0.65.
_CSF_BELOW = 0.52
_HIPPOCAMPUS_BETWEEN = (0.50, 0.80)
_CSF_INTENSITY = 0.30

# Right hippocampus from head to tail: centre line (x, y, z) and radius, in mm of MNI space; the left one is its mirror.
_HIPPOCAMPUS_LINE = np.array(
    [(22, -10, -21), (25, -15, -19), (28, -21, -15), (30, -27, -11.5), (29, -33, -6.5), (25, -38, -0.5)], dtype=float
)
_HIPPOCAMPUS_RADIUS = np.array([6.0, 7.0, 6.5, 6.0, 5.5, 4.5])


@dataclass(frozen=True)
class Anatomy:
    """The template and its maps on one 1 mm grid.

    Args:
        origin: MNI coordinate of voxel (0, 0, 0), in mm.
        intensity: T1w intensity, 0 outside the brain, 1 the brightest voxel.
        brain: Brain mask including ventricles, 0 to 1; its integral is the head size.
        grey: Grey matter probability.
        white: White matter probability.
        labels: Map of each structure by name, 0 to 1, softened by about a voxel so that integrals on coarser grids stay exact.
        csf: Intensity of cerebrospinal fluid.
    """

    origin: NDArray[np.float64]
    intensity: FloatArray
    brain: FloatArray
    grey: FloatArray
    white: FloatArray
    labels: dict[str, FloatArray]
    csf: float = _CSF_INTENSITY


def sample(volume: FloatArray, points: FloatArray, origin: NDArray[np.float64], spacing: float = 1.0) -> FloatArray:
    """Read a map at points in space by trilinear interpolation, 0 outside it.

    Args:
        volume: Map (X, Y, Z) on an axis-aligned grid.
        points: Coordinates (3, N) in mm.
        origin: Coordinate of the map's first voxel, in mm.
        spacing: Voxel size of the map, in mm.
    """
    index = (points - origin[:, None].astype(np.float32)) / np.float32(spacing)
    return np.asarray(ndimage.map_coordinates(volume, index, output=np.float32, order=1, mode="constant", cval=0.0))


@lru_cache(maxsize=1)
def load_anatomy() -> Anatomy:
    """Read the template from nilearn's files and draw the structures; about a second, then cached."""
    from nilearn.datasets import load_mni152_gm_template, load_mni152_template, load_mni152_wm_template

    image = load_mni152_template(resolution=1)
    intensity = np.asarray(image.dataobj, dtype=np.float32)
    origin = np.asarray(image.affine[:3, 3], dtype=float)
    x, y, z = np.meshgrid(
        *(o + np.arange(n) for o, n in zip(origin, intensity.shape, strict=True)), indexing="ij", sparse=True
    )
    labels = {
        "lateral_ventricles": _ventricles(intensity, x, y, z, origin),
        "hippocampus_left": _hippocampus(intensity, x, y, z, side=-1),
        "hippocampus_right": _hippocampus(intensity, x, y, z, side=1),
    }
    return Anatomy(
        origin=origin,
        intensity=intensity,
        brain=(intensity > 0).astype(np.float32),
        grey=np.asarray(load_mni152_gm_template(resolution=1).dataobj, dtype=np.float32),
        white=np.asarray(load_mni152_wm_template(resolution=1).dataobj, dtype=np.float32),
        labels={name: ndimage.gaussian_filter(mask.astype(np.float32), 1.0) for name, mask in labels.items()},
    )


def _ventricles(
    intensity: FloatArray,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    z: NDArray[np.float64],
    origin: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Dark voxels connected to the bodies of the lateral ventricles, without third ventricle, cisterns and sulci."""
    box = (abs(x) < 38) & (abs(x) > 1.5) & (y > -75) & (y < 40) & (z > -12) & (z < 33)
    third_ventricle = (abs(x) < 7) & (z < 5) & (y > -60)
    cisterns = (abs(x) < 12) & (y < -28) & (z < 16)
    dark = (intensity > 0) & (intensity < _CSF_BELOW) & box & ~third_ventricle & ~cisterns
    components, _ = ndimage.label(dark)
    seeds = [tuple(np.round(np.array((side * 12, -5, 22)) - origin).astype(int)) for side in (-1, 1)]
    return np.isin(components, [components[seed] for seed in seeds])


def _hippocampus(
    intensity: FloatArray, x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64], side: int
) -> NDArray[np.bool_]:
    """A tube of varying radius along the hippocampus, cut to the grey voxels inside it and smoothed by a closing."""
    stops = np.linspace(0, len(_HIPPOCAMPUS_LINE) - 1, 31)
    knots = np.arange(len(_HIPPOCAMPUS_LINE))
    tube = np.zeros(intensity.shape, dtype=bool)
    for stop in stops:
        cx, cy, cz = (np.interp(stop, knots, _HIPPOCAMPUS_LINE[:, axis]) for axis in range(3))
        radius = np.interp(stop, knots, _HIPPOCAMPUS_RADIUS)
        tube |= (x - side * cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2 < radius**2
    low, high = _HIPPOCAMPUS_BETWEEN
    return np.asarray(ndimage.binary_closing(tube & (intensity > low) & (intensity < high), iterations=2))
