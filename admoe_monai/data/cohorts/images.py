"""What can be wrong with the images of a cohort, found before anything is trained on them.

Reading every voxel of 2,000 volumes takes minutes, and a NaN that is found after a night of training takes longer.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from admoe_monai.scan_files import read_dicom_series, read_npz_slice

from .reading import Record

__all__ = ["ImageFacts", "check_images", "examine_image"]

#: Edges of voxels, in mm, that T1w scans of people have; units of m or µm lie far outside.
VOXEL_MM = (0.2, 12.0)
#: Extent of the field of view, in mm: a cropped brain to a whole head with neck.
EXTENT_MM = (70.0, 600.0)
#: Breadth and length of the largest heads, in mm: about the 99th percentile of men (ANSUR II) and a little room.
LARGEST_HEAD_MM = (182.0, 225.0)


@dataclass(frozen=True)
class ImageFacts:
    """What one image is.

    Attributes:
        shape: voxels along each axis, single last axes left out.
        spacing: edge of a voxel along each axis, in mm.
        has_position: whether the header says how voxels lie in space (qform or sform).
        background: median of the outermost voxels, None where voxels were not read.
        foreground_mm: extent of what is brighter than the background along each axis, in mm, None likewise.
        problems: what makes it unusable, one sentence each.
    """

    shape: tuple[int, ...] = ()
    spacing: tuple[float, ...] = ()
    has_position: bool = True
    background: float | None = None
    foreground_mm: tuple[float, ...] | None = None
    problems: tuple[str, ...] = field(default=())


def examine_image(path: str | Path, voxels: bool = True) -> ImageFacts:
    """Look at one image: NIfTI, MGZ, a folder with a DICOM series, or a slice of the original code (.npz).

    Args:
        path: of the image; must exist.
        voxels: read them all, or the header alone.
    """
    try:
        data, spacing, affine, has_position = _open(Path(path), voxels)
    except MemoryError:
        raise
    except Exception as error:  # nibabel, zlib, numpy and ITK share no base class
        return ImageFacts(problems=(f"unreadable: {(str(error).strip() or type(error).__name__).splitlines()[0]}",))
    shape = tuple(int(length) for length in data.shape)
    while len(shape) > 2 and shape[-1] == 1:
        shape = shape[:-1]
    spacing = spacing[: len(shape)]
    problems = _header_problems(shape, spacing, affine)
    background, foreground = None, None
    if voxels and not problems:
        values = np.asarray(data, dtype=np.float32).reshape(shape)
        problems = _voxel_problems(values)
        if not problems:
            background, foreground = _background(values, spacing)
    return ImageFacts(shape, spacing, has_position, background, foreground, tuple(problems))


def check_images(
    records: Sequence[Record], root: Path, voxels: bool = True, workers: int | None = None
) -> tuple[list[str], list[str]]:
    """Look at all images of a cohort, with a progress bar.

    Args:
        records: visits whose image exists.
        root: folder that image paths are relative to.
        voxels: read all voxels, or headers alone.
        workers: threads; one per core by default.

    Returns:
        Problems, one line per image that can't be used, and notes on what the images have in common.
    """
    paths = [os.path.join(root, record.visit["image"]) for record in records]
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        looked = pool.map(lambda path: examine_image(path, voxels), paths)
        facts = list(tqdm(looked, total=len(paths), desc="checking images", unit="scan", delay=1.0, disable=None))
    problems = [
        f"{record.place}: image {path} {problem}"
        for record, path, fact in zip(records, paths, facts, strict=True)
        for problem in fact.problems
    ]
    sound = [fact for fact in facts if not fact.problems]
    axes = Counter(len(fact.shape) for fact in sound)
    if len(axes) > 1:
        counted = " and ".join(f"{count} of {number} axes" for number, count in sorted(axes.items()))
        problems.append(f"{root}: slices and volumes can't be in one datalist: {counted}")
    return problems, _notes(sound)


def _open(path: Path, voxels: bool) -> tuple[NDArray[np.generic], tuple[float, ...], NDArray[np.float64], bool]:
    if path.is_dir():
        series, affine = read_dicom_series(path)
        return series, tuple(np.linalg.norm(affine[:3, :3], axis=0).tolist()), affine, True
    if path.suffix == ".npz":
        return read_npz_slice(path), (1.0, 1.0), np.eye(4), False
    image = nib.load(path)
    header = image.header
    has_position = not hasattr(header, "get_sform") or int(header["sform_code"]) + int(header["qform_code"]) > 0
    data = image.dataobj if not voxels else np.asanyarray(image.dataobj)
    return data, tuple(float(step) for step in header.get_zooms()), np.asarray(image.affine), has_position


def _header_problems(shape: tuple[int, ...], spacing: tuple[float, ...], affine: NDArray[np.float64]) -> list[str]:
    if len(shape) not in (2, 3):
        return [f"has {len(shape)} axes {shape}, expected a slice or a volume"]
    if min(shape) < 2:
        return [f"has the shape {shape}, which is no slice or volume"]
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        return ["has an affine that can't be inverted"]
    if not all(VOXEL_MM[0] <= step <= VOXEL_MM[1] for step in spacing):
        edges = " x ".join(f"{step:g}" for step in spacing)
        return [f"has voxels of {edges} mm, outside {VOXEL_MM[0]:g} to {VOXEL_MM[1]:g} mm (another unit?)"]
    columns = np.linalg.norm(affine[:3, : len(spacing)], axis=0)
    if not np.allclose(columns, spacing, rtol=0.05):
        return [f"has an affine with steps {np.round(columns, 3).tolist()} but voxels of {list(spacing)} mm"]
    extents = [length * step for length, step in zip(shape, spacing, strict=True)]
    if len(shape) == 3 and not all(EXTENT_MM[0] <= extent <= EXTENT_MM[1] for extent in extents):
        return [f"covers {' x '.join(f'{extent:.0f}' for extent in extents)} mm, which is no head"]
    return []


def _voxel_problems(values: NDArray[np.float32]) -> list[str]:
    bad = int((~np.isfinite(values)).sum())
    if bad:
        return [f"holds {bad} voxels that are NaN or infinite"]
    if values.min() == values.max():
        return [f"is empty: all its voxels are {values.min():g}"]
    return []


def _background(values: NDArray[np.float32], spacing: tuple[float, ...]) -> tuple[float, tuple[float, ...]]:
    edges = np.concatenate([values.take((0, -1), axis).ravel() for axis in range(values.ndim)])
    background = float(np.median(edges))
    # A tenth of the way from the background to the bright end: above noise, below tissue.
    bright = values > background + 0.1 * (float(np.percentile(values, 99)) - background)
    extents = []
    for axis, step in enumerate(spacing):
        share = bright.mean(axis=tuple(other for other in range(values.ndim) if other != axis))
        inside = np.flatnonzero(share > 0.02)
        extents.append(float((inside[-1] - inside[0] + 1) * step) if len(inside) else 0.0)
    return background, tuple(extents)


def _notes(facts: Sequence[ImageFacts]) -> list[str]:
    notes = []
    if facts and all(len(fact.shape) == 2 for fact in facts):
        notes.append("images are slices of two axes: train with spatial_dims 2")
    placeless = sum(not fact.has_position for fact in facts)
    if placeless:
        notes.append(
            f"{placeless} of {len(facts)} images have neither qform nor sform: position and size of their voxels are "
            "what the file format assumes"
        )
    extents = [(min(fact.foreground_mm), max(fact.foreground_mm)) for fact in facts if fact.foreground_mm is not None]
    large = sum(short > LARGEST_HEAD_MM[0] or long > LARGEST_HEAD_MM[1] for short, long in extents)
    if large > len(extents) / 2:
        short, long = np.median(extents, axis=0)
        notes.append(
            f"by their headers {large} of {len(extents)} heads are larger than heads are (median {short:.0f} to "
            f"{long:.0f} mm): unless these are sagittal slices, their true voxels are smaller"
        )
    backgrounds = [fact.background for fact in facts if fact.background is not None]
    bright = [value for value in backgrounds if value != 0]
    if len(bright) > len(backgrounds) / 2:
        notes.append(
            f"the background is not 0 in {len(bright)} of {len(backgrounds)} images (median {np.median(bright):g})"
        )
    return notes
