"""Made-up cohorts and finished runs on them, small enough to be made anew in every test session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from admoe_monai.data import Datalist, fit_prior, save_datalist
from admoe_monai.workflows.run.plan import Plan
from admoe_monai.workflows.settings.declared import parser_of
from admoe_monai.workflows.settings.resources import resource

DIAGNOSES = ("CN", "MCI", "AD")
CHANGES = ("stable", "conversion", "reversion")
SPLITS = {"training": range(6), "validation": range(6, 9), "test": range(9, 12)}
PRIOR = [
    {"name": "age", "role": "clinical", "kind": "continuous"},
    {"name": "sex", "role": "clinical", "kind": "categorical"},
    {"name": "mmse", "role": "banned", "kind": "continuous"},
]
TINY_SETTINGS: dict[str, Any] = {
    "spacing_mm": 3.0, "img_size": 16, "patch_size": 4, "window_size": 2, "embed_dim": 8, "depths": [1, 1],
    "num_heads": [1, 2], "moe_stages": [1], "fusion_stage": 1, "prior_hidden": 8, "mask_patch_size": 8, "batch_size": 3,
    "max_epochs": 2, "pretrain_epochs": 1, "save_interval": 1, "patience": 1, "warmup_epochs": 1,
    "base_lr": 1.0e-3, "device": "cpu", "name": "tiny",
}  # fmt: skip
# Two epochs of each phase for the tests of recovery: six training visits by batches of two are three steps an epoch, every
# epoch is saved, and the learning rate makes the best files change.
MICRO_PLAN: dict[str, Any] = {"max_epochs": 4, "pretrain_epochs": 2, "batch_size": 2, "patience": 0, "base_lr": 1.0e-2}
# What a run on slices needs beside.
SLICES: dict[str, Any] = {"spatial_dims": 2, "in_channels": 3, "use_clinical_prior": False}


def write_scan(path: Path, seed: int, spatial_dims: int = 3) -> Path:
    """Write a bright ellipse with a dark one inside, of 2 mm voxels, as NIfTI; a seed always gives the same scan."""
    random = np.random.default_rng(seed)
    shape = (24, 22, 23)[:spatial_dims]
    axes = np.meshgrid(*(np.linspace(-1, 1, length) for length in shape), indexing="ij")
    radius = np.sqrt(sum((axis / size) ** 2 for axis, size in zip(axes, random.uniform(0.7, 0.85, 3), strict=False)))
    scan = 100.0 * (radius < 1) - 60.0 * (radius < random.uniform(0.2, 0.5)) + random.normal(0, 3, shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(scan.clip(0).astype(np.float32), np.diag([2.0, 2.0, 2.0, 1.0])), path)
    return path


def make_cohort(folder: Path, spatial_dims: int = 3) -> Path:
    """Write twelve subjects of one visit in BIDS layout and their datalist; every class is in every split."""
    splits: dict[str, list[dict[str, Any]]] = {}
    for split, numbers in SPLITS.items():
        splits[split] = []
        for number in numbers:
            subject = f"sub-{number:02d}"
            image = folder / subject / "ses-M000" / "anat" / f"{subject}_ses-M000_T1w.nii.gz"
            write_scan(image, number, spatial_dims)
            visit = dict.fromkeys(("site", "scanner", "field_strength", "cohort", "mask", "qc"))
            prior = {"age": 60.0 + number, "sex": "FM"[number % 2], "mmse": 30.0 - number}
            if number == SPLITS["test"][-1]:
                prior["age"] = None
            visit |= {"image": str(image), "subject_id": subject, "session_id": "ses-M000", "days_from_baseline": 0.0}
            visit |= {"diagnosis": DIAGNOSES[number % 3], "change": CHANGES[number % 3], "label_source": "made up"}
            splits[split].append({**visit, "prior": prior, "age": prior["age"], "sex": prior["sex"]})
    prior_columns = fit_prior(splits["training"], PRIOR)
    datalist = Datalist("tiny", folder, splits, simulated=True, description="Made up for tests.", prior=prior_columns)
    save_datalist(folder / "datalist.json", datalist)
    return folder / "datalist.json"


def make_run(folder: Path, datalist: Path, **settings: Any) -> Path:
    """Train one epoch of each phase in this process.

    Args:
        folder: of the run.
        datalist: of the cohort.
        settings: in the place of `TINY_SETTINGS`.
    """
    choices = {"datalist": str(datalist), "run_dir": str(folder), **TINY_SETTINGS, **settings}
    entry = resource("configs/train.yaml")
    Plan(parser_of([entry], choices), entry.parent).run()
    return folder


def inference_arguments(bundle: Path, scans: Path) -> list[str]:
    """What `python -m monai.bundle` is told to predict a folder of scans into `out`, without screening."""
    return [
        "run", "inference", "--config_file", str(bundle / "configs/inference.json"), "--bundle_root", str(bundle),
        "--dataset_dir", str(scans), "--output_dir", "out", "--device", "cpu", "--screening", "False",
    ]  # fmt: skip
