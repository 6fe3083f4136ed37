"""Heads made from the template: the brain as it is, with a skull, a scalp, a face and a neck of plain geometry around it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor
from scipy import ndimage

from admoe_monai.transforms import load_template

SPACING_MM = 2.0
START_MM = np.array([-110.0, -150.0, -120.0])
SHAPE = (111, 131, 121)
# Where a scan of `SHAPE_3MM` voxels of 3 mm shows all of it.
SHAPE_3MM = (74, 87, 80)
STATES = ("raw", "defaced", "skull_stripped")


@lru_cache(maxsize=3)
def model_head(state: str = "raw") -> np.ndarray:
    """A head of the template's size on a grid of 2 mm, in template space; the background is 0."""
    template = load_template()
    points = np.indices(SHAPE, dtype=np.float32) * np.float32(SPACING_MM) + START_MM[:, None, None, None].astype("f4")
    index = points - template.affine[:3, 3].astype("f4")[:, None, None, None]
    brain = ndimage.map_coordinates(template.intensity, index, order=1)
    x, y, z = points
    outside = ndimage.distance_transform_edt(brain < 0.1) * SPACING_MM
    # Fluid, skull and scalp; smooth inside the brain where the distance is 0.
    head = np.where(outside > 0, np.select([outside <= 3, outside <= 7, outside <= 13], [0.3, 0.05, 0.9]), brain)
    if state != "skull_stripped":
        face = (abs(x) < 45) & (y > 10) & (y < 74) & (z > -88) & (z < -20) & (outside > 10)
        neck = (x**2 + (y + 30) ** 2 < 55**2) & (z < -50) & (outside > 10)
        head = np.where((face | neck) & (head < 0.1), 0.5, head)
    else:
        head = np.where(outside > 2, 0.0, head)
    if state == "defaced":
        head = np.where((y > 45) & (z < -25) & (outside > 4), 0.0, head)
    return (1000 * head).astype(np.float32)


def affine_about_the_brain(
    rotation: np.ndarray | None = None, scale: float = 1.0, shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> np.ndarray:
    """Template mm to scan mm: turned and scaled about the middle of the brain, then shifted."""
    centre = np.array([0.0, -18.0, 6.0])
    matrix = np.eye(4)
    matrix[:3, :3] = scale * (np.eye(3) if rotation is None else rotation)
    matrix[:3, 3] = centre + shift_mm - matrix[:3, :3] @ centre
    return matrix


def head_scan(
    matrix: np.ndarray | None = None,
    state: str = "raw",
    spacing_mm: float = 3.0,
    shape: tuple[int, int, int] = SHAPE_3MM,
    noise: float = 5.0,
) -> MetaTensor:
    """A scan of a head, with noise where it is not blank.

    Args:
        matrix: template mm to scan mm; None for a head that lies on the template.
        state: raw, defaced or skull_stripped.
        spacing_mm: edge of the voxels.
        shape: voxels per axis, with the template's origin at the same place of each.
        noise: standard deviation; white matter is near 860.
    """
    affine = np.diag([spacing_mm] * 3 + [1.0])
    affine[:3, 3] = START_MM
    to_model = np.diag([1 / SPACING_MM] * 3 + [1.0])
    to_model[:3, 3] = -START_MM / SPACING_MM
    mapping = to_model @ np.linalg.inv(np.eye(4) if matrix is None else matrix) @ affine
    head = ndimage.affine_transform(model_head(state), mapping, output_shape=shape, order=1)
    head += (head > 0) * np.random.default_rng(0).normal(0, noise, shape)
    return MetaTensor(torch.from_numpy(head.clip(0).astype(np.float32))[None], affine=torch.from_numpy(affine))


def write_scan(path: Path, scan: MetaTensor, dtype: type = np.int16) -> Path:
    """Write a scan as NIfTI."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(scan[0].numpy().round().astype(dtype), np.asarray(scan.affine)), path)
    return path


def on_grid_scan(state: str = "skull_stripped", spacing_mm: float = 3.0, seed: int = 0) -> MetaTensor:
    """A head on the template's own cropped grid, as other software would have registered it."""
    template = load_template(spacing_mm)
    index = np.indices(template.brain.shape) * spacing_mm + template.affine[:3, 3][:, None, None, None]
    values = ndimage.map_coordinates(model_head(state), (index - START_MM[:, None, None, None]) / SPACING_MM, order=1)
    values += (values > 0) * np.random.default_rng(seed).normal(0, 5, values.shape)
    return MetaTensor(
        torch.from_numpy(values.clip(0).astype(np.float32))[None], affine=torch.from_numpy(template.affine.copy())
    )
