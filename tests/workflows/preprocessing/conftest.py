"""Four scans that lie on the template's grid, and a datalist of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from admoe_monai.data import Datalist, save_datalist
from synthetic_heads import on_grid_scan, write_scan

SUBJECTS = {"training": ("a", "b"), "validation": ("c",), "test": ("d",)}


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One on-grid scan per subject. Not to be written to."""
    folder = tmp_path_factory.mktemp("on_grid")
    for seed, subject in enumerate("abcd"):
        write_scan(folder / f"{subject}_T1w.nii.gz", on_grid_scan(seed=seed))
    return folder


@pytest.fixture
def cohort(scans: Path, tmp_path: Path) -> Path:
    """A datalist of four visits over a copy of the scans."""
    folder = tmp_path / "cohort"
    shutil.copytree(scans, folder)
    splits: dict[str, list[dict[str, Any]]] = {
        split: [{"image": str(folder / f"{s}_T1w.nii.gz"), "subject_id": s, "session_id": "1"} for s in subjects]
        for split, subjects in SUBJECTS.items()
    }
    save_datalist(folder / "datalist.json", Datalist("four", folder, splits, description="Made up.", simulated=True))
    return folder / "datalist.json"
