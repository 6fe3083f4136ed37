"""What a cohort is like, as far as settings depend on it: people, labels, voxels, the extent of heads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from monai.transforms import Compose, Orientationd
from tqdm import tqdm

from admoe_monai.data import Datalist, select_columns
from admoe_monai.errors import UserError
from admoe_monai.scan_files import ScanFile, ScanFileError, open_scan
from admoe_monai.transforms import Foregroundd, LoadScand

#: Scans of which the voxels are read; the headers of all are.
LOOKED_INTO = 8


@dataclass(frozen=True)
class SplitFacts:
    """One split in numbers.

    Attributes:
        people: Number of people.
        visits: Number of visits.
        labelled: Number of visits with the label of at least one task.
        classes: Number of visits by task and class.
    """

    people: int
    visits: int
    labelled: int
    classes: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class CohortFacts:
    """A cohort in numbers. Axes of volumes are left to right, back to front and bottom to top; those of slices as stored.

    Attributes:
        splits: Numbers of each split.
        classes: Class names by task, in the order of the settings.
        axes: Number of spatial axes of a scan.
        spacing: Median edge of a voxel along each axis, in mm, over all scans.
        shape: Median number of voxels along each axis, over all scans.
        extent: Largest extent of the foreground along each axis, over the scans that were looked into: in mm, for slices
            in pixels, since their headers often lie.
        looked_into: Number of these scans.
        has_prior: Whether there is a clinical column that may be an input.
    """

    splits: Mapping[str, SplitFacts]
    classes: Mapping[str, Sequence[str]]
    axes: int
    spacing: tuple[float, ...]
    shape: tuple[int, ...]
    extent: tuple[float, ...]
    looked_into: int
    has_prior: bool

    @property
    def finetunes(self) -> bool:
        """Whether there are labels to finetune on, and others to choose the best model by."""
        return all(self.splits[split].labelled for split in ("training", "validation"))


def look_at(cohort: Datalist) -> CohortFacts:
    """Read the headers of all scans and the voxels of a few.

    Args:
        cohort: Cohort with the class names of its tasks.

    Raises:
        UserError: If a scan can't be read, slices and volumes are mixed, or there is no training visit.
    """
    items = [item for split in cohort.splits for item in cohort.items(split)]
    training = cohort.items("training")
    if not training:
        raise UserError(f"{cohort.path} has no training visits, from which settings are chosen")
    with ThreadPoolExecutor() as pool:
        opened = pool.map(_header, [item["image"] for item in items])
        headers = list(tqdm(opened, total=len(items), desc="Headers", unit="scan", delay=1.0, disable=None))
    axes = len(headers[0].shape)
    if any(len(header.shape) != axes for header in headers):
        raise UserError(f"{cohort.path} mixes slices and volumes, which no network takes together")
    spread = np.linspace(0, len(training) - 1, min(LOOKED_INTO, len(training))).round().astype(int)
    extents = [_extent(training[i], axes) for i in tqdm(spread, desc="Foregrounds", delay=1.0, disable=None)]
    ordered = [(header, _axes_in_order(header)) for header in headers]
    spacings = [[header.spacing[axis] for axis in order] for header, order in ordered]
    shapes = [[header.shape[axis] for axis in order] for header, order in ordered]
    return CohortFacts(
        splits={split: _in_numbers(cohort, split) for split in cohort.splits},
        classes=cohort.classes,
        axes=axes,
        spacing=tuple(float(edge) for edge in np.median(spacings, axis=0)),
        shape=tuple(int(length) for length in np.median(shapes, axis=0)),
        extent=tuple(float(edge) for edge in np.max(extents, axis=0)),
        looked_into=len(extents),
        has_prior=bool(select_columns(cohort.prior, None, list(cohort.classes))),
    )


def _in_numbers(cohort: Datalist, split: str) -> SplitFacts:
    visits = cohort.splits[split]
    counted = {task: Counter(visit[task] for visit in visits if visit.get(task) is not None) for task in cohort.classes}
    people = {visit["subject_id"] for visit in visits}
    return SplitFacts(len(people), len(visits), len(cohort.labelled(split)), counted)


def _header(path: str | Path) -> ScanFile:
    try:
        return open_scan(path)
    except ScanFileError as error:
        raise UserError(f"image {path} {error}") from error


def _axes_in_order(header: ScanFile) -> Sequence[int]:
    """Name the stored axis that runs along each axis of RAS; slices keep theirs."""
    if len(header.shape) == 2:
        return (0, 1)
    runs_along = nib.io_orientation(header.affine)[:, 0]
    return [int(axis) for axis in np.argsort(runs_along)]


def _extent(item: Mapping[str, Any], axes: int) -> tuple[float, ...]:
    """Measure the box around the foreground that training would find, in mm, of a slice in pixels."""
    chain = [LoadScand(keys="image", spatial_dims=axes)]
    if axes == 3:
        chain.append(Orientationd(keys="image", axcodes="RAS", labels=(("L", "R"), ("P", "A"), ("I", "S"))))
    found = Compose([*chain, Foregroundd(keys="image")])(dict(item))
    inside = np.argwhere(np.asarray(found["foreground"])[0])
    voxels = inside.max(axis=0) - inside.min(axis=0) + 1
    edges = np.asarray(found["image"].pixdim)[:axes] if axes == 3 else np.ones(axes)
    return tuple(float(edge) for edge in voxels * edges)
