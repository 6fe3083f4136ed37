"""The cohorts that the documents name, each of made-up heads of a few voxels."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from documented_commands import ROOT
from made_up_cohort import draw_head
from small_cohorts import write_table_file

SESSIONS = ("ses-M000", "ses-M036")
STAGES = ("CN", "MCI", "AD")
SPACE = "space-MNI152NLin2009cSym_desc-Crop_res-1x1x1"


def make_cohorts(folder: Path) -> None:
    """Write the cohorts beside a folder that has links to them, so that copies of it are small."""
    kept = folder.with_name(f"{folder.name}_scans")
    _bids(kept / "BIDS", range(18))
    _bids(kept / "elsewhere", range(18, 36))
    _clinica(kept / "CAPS")
    _oasis(kept)
    _own_table(kept)
    for path in kept.iterdir():
        (folder / path.name).symlink_to(path)
    for name in ("SCANS", "COHORT", "cohort"):
        (folder / name).symlink_to(kept / "BIDS")
    (folder / "SCAN.nii.gz").symlink_to(next((kept / "BIDS").rglob("*_T1w.nii.gz")))
    _slices(folder / "FOLDER")
    write_table_file(
        folder / "values.csv",
        [{"subject_id": f"sub-{n:02}", "age": 70 + n, "sex": "FM"[n % 2], "education": 12} for n in range(18)],
    )


def _visits(people: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Two visits each; every other person is a stage further at the second one, and some people with MCI go back."""
    for n in people:
        for k, session in enumerate(SESSIONS):
            moves = k * (n // 3 % 2)
            stage = n % 3 + moves * (1, 1 if n % 4 else -1, 0)[n % 3]
            yield {
                "number": n, "subject": f"sub-{n:02}", "session": session, "name": f"sub-{n:02}_{session}",
                "visit": k, "days": 1096 * k, "stage": stage, "age": 60 + 7 * n % 29 + 3 * k,
            }  # fmt: skip


def _head(path: Path, visit: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = draw_head(visit["number"], visit["visit"], (26, 28, 27))
    image = nib.Nifti1Image(voxels, np.diag([4.0, 4.0, 4.0, 1.0]))
    image.header.set_xyzt_units("mm")
    nib.save(image if path.suffix != ".mgz" else nib.MGHImage(voxels, image.affine), path)
    return path


def _bids(root: Path, people: Sequence[int]) -> None:
    for visit in _visits(people):
        scan = _head(root / visit["subject"] / visit["session"] / "anat" / f"{visit['name']}_T1w.nii.gz", visit)
        derived = root / "derivatives/fmriprep" / scan.parent.relative_to(root)
        derived.mkdir(parents=True)
        shutil.copy(scan, derived / f"{visit['name']}_desc-preproc_T1w.nii.gz")
    for n in people:
        rows = [
            {
                "session_id": visit["session"],
                "days_from_baseline": visit["days"],
                "age": visit["age"],
                "diagnosis": STAGES[visit["stage"]],
            }
            for visit in _visits([n])
        ]
        write_table_file(root / f"sub-{n:02}" / f"sub-{n:02}_sessions.tsv", rows)
    rows = [
        {"participant_id": f"sub-{n:02}", "sex": "FM"[n // 3 % 2], "education": 8 + n % 7, "site": "AB"[n % 2]}
        for n in people
    ]
    write_table_file(root / "participants.tsv", rows)
    (root / "dataset_description.json").write_text(json.dumps({"Name": "Made up", "simulated": True}))


def _clinica(root: Path) -> None:
    for visit in _visits(range(18)):
        folder = root / "subjects" / visit["subject"] / visit["session"] / "t1_linear"
        _head(folder / f"{visit['name']}_{SPACE}_T1w.nii.gz", visit)


def _oasis(folder: Path) -> None:
    rows, singles = [], []
    for visit in _visits(range(18)):
        person, cdr = f"OAS2_{visit['number']:04}", visit["stage"] / 2
        name = f"{person}_MR{visit['visit'] + 1}"
        for place in ("slices", "scans"):
            _head(folder / place / f"{name}.nii.gz", visit)
        numbers = {"Age": visit["age"], "EDUC": 12, "eTIV": 1500, "nWBV": 0.75, "CDR": cdr}
        rows.append(
            {
                "Subject ID": person,
                "MRI ID": name,
                "MR Delay": visit["days"],
                "M/F": "MF"[visit["number"] % 2],
                **numbers,
            }
        )
        if not visit["visit"]:
            single = f"OAS1_{visit['number']:04}_MR1"
            for place in (".", "oasis1_2mm", "OASIS1"):
                _head(folder / place / f"{single}.nii.gz", visit)
            singles.append({"ID": single, "M/F": "MF"[visit["number"] % 2], "Age": visit["age"], "Educ": 3, "CDR": cdr})
    write_table_file(folder / "oasis_longitudinal.csv", rows)
    write_table_file(folder / "oasis_cross-sectional.csv", singles)
    write_table_file(folder / "OASIS1" / "oasis_cross-sectional.csv", singles)


def _slices(folder: Path) -> None:
    folder.mkdir()
    for n in range(12):
        values = np.random.default_rng(n).uniform(0, 255, (40, 50)).astype(np.float32)
        np.savez(folder / f"p{n}_0.npz", slice=values, label=n % 3, change_label=n % 3, prior=np.ones(3))


def _own_table(folder: Path) -> None:
    """The table that the mapping of docs/cohorts.md reads, and that mapping, taken from the document."""
    document = (ROOT / "docs" / "cohorts.md").read_text(encoding="utf-8")
    block = re.search(r"\n\n((?:    .*\n)*    visit:\n(?:    .*\n)+)", document)
    assert block is not None
    (folder / "mapping.yaml").write_text(re.sub("^    ", "", block[1], flags=re.MULTILINE))
    rows = []
    for visit in _visits(range(18)):
        who, name = f"w{visit['number']}", f"v{visit['visit']}"
        _head(folder / "data" / who / f"{name}.mgz", visit)
        row = {
            "who": who,
            "visit": name,
            "day": visit["days"],
            "dx": visit["stage"],
            "centre": "A",
            "age": visit["age"],
        }
        rows.append(
            {**row, "apoe": "e3e3", "gds": 2, "mmse": 28, "Group": "Stable" if visit["number"] % 6 == 0 else -4}
        )
    write_table_file(folder / "visits.tsv", rows)
