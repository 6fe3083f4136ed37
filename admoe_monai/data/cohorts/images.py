"""Checks of a cohort's images before anything is trained on them.

Reading every voxel of 2,000 volumes takes minutes, and a NaN that is found after a night of training takes longer.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from admoe_monai.scan_files import ScanFileError, ScanNote, open_scan

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
    """Geometry and faults of one image.

    Attributes:
        shape: Voxels along each axis, single last axes left out.
        spacing: Edge of a voxel along each axis, in mm.
        notes: Oddities of the header.
        background: Median of the outermost voxels, None where voxels were not read.
        foreground_mm: Extent of everything brighter than the background along each axis, in mm, None likewise.
        problems: Reasons why it can't be used, one sentence each.
    """

    shape: tuple[int, ...] = ()
    spacing: tuple[float, ...] = ()
    notes: tuple[ScanNote, ...] = ()
    background: float | None = None
    foreground_mm: tuple[float, ...] | None = None
    problems: tuple[str, ...] = field(default=())


def examine_image(path: str | Path, voxels: bool = True) -> ImageFacts:
    """Examine one image, of any format that :func:`admoe_monai.scan_files.open_scan` reads.

    Args:
        path: Path of an existing image.
        voxels: Whether to read all voxels, or the header alone.
    """
    try:
        scan = open_scan(path)
        implausible = _implausible(scan.shape, scan.spacing)
        if implausible or not voxels:
            return ImageFacts(scan.shape, scan.spacing, scan.notes, problems=(implausible,) if implausible else ())
        background, foreground = _background(scan.voxels(), scan.spacing)
    except ScanFileError as error:
        return ImageFacts(problems=(str(error),))
    return ImageFacts(scan.shape, scan.spacing, scan.notes, background, foreground)


def check_images(
    records: Sequence[Record], root: Path, voxels: bool = True, workers: int | None = None
) -> tuple[list[str], list[str]]:
    """Examine all images of a cohort, with a progress bar.

    Args:
        records: Visits whose image exists.
        root: Folder that image paths are relative to.
        voxels: Whether to read all voxels, or headers alone.
        workers: Number of threads; one per core by default.

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
    names = [record.visit["image"] for record, fact in zip(records, facts, strict=True) if not fact.problems]
    return problems, _header_notes(names, sound) + _notes(sound)


def _implausible(shape: tuple[int, ...], spacing: tuple[float, ...]) -> str:
    """Reason why a geometry can't be that of a head; empty if there is none."""
    if not all(VOXEL_MM[0] <= step <= VOXEL_MM[1] for step in spacing):
        edges = " x ".join(f"{step:g}" for step in spacing)
        return f"has voxels of {edges} mm, outside {VOXEL_MM[0]:g} to {VOXEL_MM[1]:g} mm (another unit?)"
    extents = [length * step for length, step in zip(shape, spacing, strict=True)]
    if len(shape) == 3 and not all(EXTENT_MM[0] <= extent <= EXTENT_MM[1] for extent in extents):
        return f"covers {' x '.join(f'{extent:.0f}' for extent in extents)} mm, which is no head"
    return ""


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


def _header_notes(names: Sequence[str], facts: Sequence[ImageFacts]) -> list[str]:
    """Oddities of headers, each once for all images that have it, with the first of them."""
    found: dict[str, list[str]] = {}
    for name, fact in zip(names, facts, strict=True):
        for note in fact.notes:
            found.setdefault(note.kind, []).append(f"{name}: {note.detail}" if note.detail else "")
    return [
        f"{len(details)} of {len(facts)} images have {kind}" + (f" ({details[0]})" if details[0] else "")
        for kind, details in found.items()
    ]


def _notes(facts: Sequence[ImageFacts]) -> list[str]:
    notes = []
    if facts and all(len(fact.shape) == 2 for fact in facts):
        notes.append("images are slices of two axes: train with spatial_dims 2")
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
