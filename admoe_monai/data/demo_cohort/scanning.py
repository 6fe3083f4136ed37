"""Simulated scans of one subject: all sessions, with the truth about each scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from .anatomy import STRUCTURES, FloatArray, load_anatomy
from .effects import REFERENCE_HEAD_MM3, STRUCTURE_MODELS
from .grid import grid_points, grid_shape, scan_affine
from .growth import load_flow
from .head import Head
from .layout import image_path, write_image, write_subject_table
from .population import Subject, Visit, stream
from .scanner import SITES, acquire

__all__ = ["Resolution", "prepare_scanner", "scan_subject"]

# Streams of random numbers of one subject; lower ones belong to `population`.
_HEAD_STREAM, _FIRST_SCAN_STREAM = 10, 100
# Rotation and shift of a scan in the field of view: standard deviations in degrees and mm.
_POSE_DEGREES, _POSE_MM = 1.5, 1.0


@dataclass(frozen=True)
class Resolution:
    """The template at the resolution of the scans, and the grid on which it is sampled."""

    spacing_mm: float
    template: FloatArray
    brain: FloatArray
    points: FloatArray
    affine: NDArray[np.float64]


def prepare_scanner(spacing_mm: float) -> Resolution:
    """Load the data that all threads share, and blur the template to the resolution of the scans (FWHM = voxel size)."""
    for name in STRUCTURES:
        load_flow(name)
    anatomy = load_anatomy()
    sigma = np.sqrt(max(spacing_mm**2 - 1.0, 0.0)) / 2.355
    brain = ndimage.gaussian_filter(anatomy.brain, sigma)
    # Blurring inside the brain only: the empty outside must not darken the cortex.
    template = ndimage.gaussian_filter(anatomy.intensity * anatomy.brain, sigma) / np.maximum(brain, 0.05)
    return Resolution(spacing_mm, template, brain, grid_points(spacing_mm), scan_affine(spacing_mm))


def scan_subject(root: Path, scanner: Resolution, seed: int, subject: Subject) -> list[dict[str, object]]:
    """Write a subject's scans and session table.

    Args:
        root: Folder of the dataset.
        scanner: Resolution of the scans.
        seed: Seed of the cohort.
        subject: Subject to scan.

    Returns:
        One row of `truth.tsv` per scan.
    """
    head = Head(stream(seed, subject.index, _HEAD_STREAM), subject.head_size_mm3)
    subject = replace(subject, head_size_mm3=head.head_size_mm3)
    rows: list[dict[str, object]] = []
    for number, visit in enumerate(subject.visits):
        wanted = {
            name: model.volume * head.head_size_mm3 / REFERENCE_HEAD_MM3 * float(np.exp(visit.log_ratio[name]))
            for name, model in STRUCTURE_MODELS.items()
        }
        amounts = head.amounts_for(wanted)
        volumes = head.volumes(amounts) | head.tissue_volumes(amounts)
        runs = (1, 2) if subject.rescan and number == 0 else (None,)
        for position, run in enumerate(runs):
            path = image_path(subject.participant_id, visit.session_id, run)
            generator = stream(seed, subject.index, _FIRST_SCAN_STREAM + 2 * number + position)
            voxels = _scan(head, amounts, scanner, subject.site, generator)
            write_image(root, path, voxels, scanner.affine, subject.site)
            rows.append(_truth_row(path, subject, visit, position, volumes))
    write_subject_table(root, subject)
    return rows


def _scan(
    head: Head, amounts: Mapping[str, float], scanner: Resolution, site: str, generator: np.random.Generator
) -> NDArray[np.int16]:
    turn = Rotation.from_rotvec(generator.normal(0, _POSE_DEGREES, 3), degrees=True)
    pose = (turn, generator.normal(0, _POSE_MM, 3))
    values, mask = head.render(scanner.template, scanner.brain, amounts, scanner.points, pose)
    shape = grid_shape(scanner.spacing_mm)
    return acquire(values.reshape(shape), mask.reshape(shape), SITES[site], scanner.spacing_mm, generator)


def _truth_row(
    path: str, subject: Subject, visit: Visit, position: int, volumes: Mapping[str, float]
) -> dict[str, object]:
    return {
        "image": path,
        "participant_id": subject.participant_id,
        "session_id": f"ses-{visit.session_id}",
        "days_from_baseline": visit.days,
        "rescan": position,
        "age": visit.age,
        "sex": subject.sex,
        "site": subject.site,
        "diagnosis": visit.diagnosis,
        "progression": round(visit.progression, 4),
        "head_size_mm3": round(subject.head_size_mm3, 1),
        **{f"{name}_mm3": round(volume, 1) for name, volume in volumes.items()},
    }
