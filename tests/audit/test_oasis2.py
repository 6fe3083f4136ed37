"""Real slices: repeat visits are not taken for copies, copies under other names are found."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from admoe_monai.audit import cheap_audit, full_audit
from admoe_monai.data import load_datalist
from admoe_monai.data.cohorts import ChangeRule, VisitTable, load_mapping, prepare_cohort
from made_up_cohort import TASKS, write_image

SLICES = Path(__file__).parents[3] / "shared/data/oasis2_slices"

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not SLICES.exists(), reason="the OASIS-2 slices are not on this machine"),
]


def prepared(folder: Path) -> Path:
    """The whole table as published, with links to the coronal slices."""
    (folder / "coronal").symlink_to(SLICES / "coronal")
    output = folder / "datalist.json"
    table = SLICES / "oasis_longitudinal.csv"
    source = VisitTable(table, "coronal/{MRI ID}.nii.gz", load_mapping("oasis2"), folder)
    prepare_cohort(output, source, change=ChangeRule(), voxels=False)
    return output


def test_the_published_table_has_no_leak(tmp_path: Path) -> None:
    assert [
        finding for finding in cheap_audit(load_datalist(prepared(tmp_path)), tasks=TASKS) if finding.severity == "leak"
    ] == []


def test_copies_among_repeat_visits_are_found_and_nothing_else(tmp_path: Path) -> None:
    logging.getLogger("nibabel.global").setLevel(logging.ERROR)
    path = prepared(tmp_path)
    content = json.loads(path.read_text())
    for split, number in (("training", 16), ("validation", 3), ("test", 8)):
        content[split] = content[split][:number]
    original = content["training"][0]
    voxels = np.asarray(nib.load(tmp_path / original["image"]).dataobj, dtype=np.float32)
    changed = ndimage.rotate(1.7 * voxels[::-1], 11, reshape=False, order=1, cval=1.7 * float(np.median(voxels[0])))
    write_image(tmp_path / "other.nii.gz", changed, spacing=1.0)
    content["test"].append({**original, "subject_id": "OAS2_9999", "image": "other.nii.gz"})
    path.write_text(json.dumps(content))
    found = full_audit(load_datalist(path), tasks=TASKS).leaks
    assert [(finding.check, finding.rows) for finding in found] == [("near_duplicate", ("training[0]", "test[8]"))]
