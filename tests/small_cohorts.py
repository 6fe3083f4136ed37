"""Small cohorts on disk, in the layouts of the field; every scan is a real file of a few voxels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np


def write_table_file(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    mark = "\t" if path.suffix == ".tsv" else ","
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [mark.join(names), *(mark.join(str(row.get(name, "n/a")) for name in names) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_scan_file(path: Path, seed: int = 0, shape: Sequence[int] = (10, 10, 10), voxel_mm: float = 12.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros(shape, dtype=np.float32)
    values[tuple(slice(2, -2) for _ in shape)] = np.random.default_rng(seed).uniform(50, 100, [n - 4 for n in shape])
    image = nib.Nifti1Image(values, np.diag([voxel_mm] * 3 + [1.0]))
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
    return path


def make_bids_cohort(root: Path) -> Path:
    """BIDS folder of 20 subjects with three yearly visits; every fourth converts at the last."""
    people = []
    for number in range(20):
        subject = f"sub-{number:02}"
        people.append(
            {"participant_id": subject, "sex": "FM"[number % 2], "age": 60 + number, "site": "AB"[number % 2]}
        )
        rows = []
        for visit in range(3):
            diagnosis = "MCI" if number % 4 == 0 and visit == 2 else "CN"
            rows.append(
                {"session_id": f"ses-{visit}", "days_from_baseline": 360 * visit, "diagnosis": diagnosis, "mmse": 29}
            )
            name = f"{subject}_ses-{visit}_T1w.nii.gz"
            write_scan_file(root / subject / f"ses-{visit}" / "anat" / name, seed=3 * number + visit)
        write_table_file(root / subject / f"{subject}_sessions.tsv", rows)
    write_table_file(root / "participants.tsv", people)
    (root / "dataset_description.json").write_text(json.dumps({"Name": "Simulated people", "simulated": True}))
    return root
