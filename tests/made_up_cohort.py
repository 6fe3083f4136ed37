"""Made-up cohorts for the audit: clean ones, to plant a leak in; with images or without."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from scipy import ndimage

from admoe_monai.data import Datalist, fit_prior
from admoe_monai.data.cohorts import label_changes, split_subjects

DIAGNOSES = ("CN", "MCI", "AD")
#: Fields of a visit that hold its labels.
TASKS = ("diagnosis", "change")
COLUMNS = [
    {"name": "age", "role": "clinical", "kind": "continuous"},
    {"name": "sex", "role": "clinical", "kind": "categorical"},
    {"name": "education", "role": "clinical", "kind": "continuous"},
    {"name": "apoe4", "role": "clinical", "kind": "continuous"},
    {"name": "nwbv", "role": "image_derived", "kind": "continuous"},
    {"name": "mmse", "role": "banned", "kind": "continuous"},
    {"name": "cdr", "role": "banned", "kind": "continuous"},
]


def clean_cohort(subjects: int = 60, seed: int = 0, folder: Path = Path("/made-up")) -> Datalist:
    """Two to five yearly visits per subject, split by subject; age and brain volume know a little of the diagnosis."""
    generator = np.random.default_rng(seed)
    visits = [
        visit for number in range(subjects) for visit in _history(f"sub-{number:04d}", number % 3, generator, folder)
    ]
    visits = label_changes([{**visit, "change": None} for visit in visits])
    splits = split_subjects(visits, seed=seed)
    return Datalist(
        "made-up",
        folder,
        splits,
        simulated=True,
        label_definition={"change": {"horizon": "next_visit", "horizon_days": None}},
        prior=fit_prior(splits["training"], COLUMNS),
    )


def _history(subject: str, stage: int, generator: np.random.Generator, folder: Path) -> list[dict[str, Any]]:
    age, sex = 72 + 2 * stage + generator.normal(0, 7), str(generator.choice(["F", "M"]))
    fixed = {
        "sex": sex,
        "education": float(generator.integers(8, 20)),
        "apoe4": int(generator.binomial(2, 0.2 + 0.1 * stage)),
    }
    site = int(generator.integers(4))
    visits = []
    for number in range(int(generator.integers(2, 6))):
        stage = min(stage + int(number > 0 and generator.random() < 0.1), 2)
        session, days = f"ses-M{12 * number:03d}", 365 * number + int(generator.integers(-20, 21)) * (number > 0)
        prior = {**fixed, "age": age + days / 365.25, "nwbv": 0.75 - 0.01 * stage + generator.normal(0, 0.04)}
        scores = {"mmse": 29.0 - 4 * stage, "cdr": (0.0, 0.5, 1.0)[stage]}
        visits.append(
            {
                "image": str(folder / f"{subject}_{session}.nii.gz"),
                "subject_id": subject,
                "session_id": session,
                "days_from_baseline": float(days),
                "diagnosis": DIAGNOSES[stage],
                "label_source": "made up",
                "age": prior["age"],
                "sex": sex,
                "site": f"site-{site}",
                "field_strength": (1.5, 3.0)[site % 2],
                "prior": {**prior, **scores},
            }
        )
    return visits


def draw_head(seed: int, visit: int = 0, shape: tuple[int, ...] = (56, 60)) -> np.ndarray:
    """An ellipse with an anatomy of its own, which a visit shifts and changes a little, and noise of its own."""
    person, scan = np.random.default_rng(seed), np.random.default_rng((seed, visit, 1))
    axes = np.meshgrid(*(np.linspace(-1.25, 1.25, length) for length in shape), indexing="ij")
    lengths = person.uniform(0.75, 1.0, len(shape))
    radius = np.sqrt(sum((axis / length) ** 2 for axis, length in zip(axes, lengths, strict=True)))
    anatomy = 0.5 * _texture(person, shape, 1.2) + _texture(person, shape, 3.0)
    anatomy += 0.5 * _texture(scan, shape, 1.2)
    anatomy = ndimage.shift(anatomy, scan.uniform(-0.5, 0.5, len(shape)) * (visit > 0), order=1, mode="nearest")
    head = np.where(radius < 1, 100 + 20 * anatomy, 0)
    return np.asarray(head + scan.normal(0, 2, shape) * (radius < 1), dtype=np.float32)


def write_image(path: Path, voxels: np.ndarray, spacing: float = 2.0) -> Path:
    """Write a NIfTI file of cubic voxels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(voxels, np.diag([spacing] * 3 + [1.0])), path)
    return path


def cohort_on_disk(folder: Path, subjects: int = 15, shape: tuple[int, ...] = (56, 60)) -> Path:
    """Write the first two visits of a clean cohort with an image each, and their datalist."""
    cohort = clean_cohort(subjects, folder=folder)
    splits = {}
    for split, visits in cohort.splits.items():
        splits[split] = [visit for visit in visits if visit["session_id"] in ("ses-M000", "ses-M012")]
        for visit in splits[split]:
            number = int(visit["subject_id"][4:])
            write_image(Path(visit["image"]), draw_head(number, int(visit["session_id"][5:]), shape))
            visit["image"] = Path(visit["image"]).name
    content = {
        "name": cohort.name,
        "simulated": True,
        "dataset_dir": ".",
        "label_definition": cohort.label_definition,
        "prior": {"columns": cohort.prior},
        **splits,
    }
    path = folder / "datalist.json"
    path.write_text(json.dumps(content))
    return path


def _texture(generator: np.random.Generator, shape: tuple[int, ...], scale: float) -> np.ndarray:
    field = ndimage.gaussian_filter(generator.normal(size=shape), scale)
    return np.asarray(field / field.std())
