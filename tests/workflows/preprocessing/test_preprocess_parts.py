"""Chains, their digests, and the files of results."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from admoe_monai.workflows.preprocessing.chains import ON_TEMPLATE, TO_TEMPLATE, TemplateChains, chain_of
from admoe_monai.workflows.preprocessing.scan import image_bytes, target_name
from synthetic_heads import head_scan, on_grid_scan, write_scan


def test_the_grid_of_a_scan_decides_on_its_chain(scans: Path, tmp_path: Path) -> None:
    assert chain_of(str(scans / "a_T1w.nii.gz")) == ON_TEMPLATE
    assert (
        chain_of(str(write_scan(tmp_path / "raw.nii.gz", head_scan(spacing_mm=6.0, shape=(37, 43, 40))))) == TO_TEMPLATE
    )
    (tmp_path / "broken.nii.gz").write_bytes(b"x")
    assert chain_of(str(tmp_path / "broken.nii.gz")) == TO_TEMPLATE


def test_the_digest_of_a_chain_knows_its_spacing_and_its_name() -> None:
    one, two = TemplateChains(3.0), TemplateChains(2.0)
    digests = [one.digest(TO_TEMPLATE), one.digest(ON_TEMPLATE), two.digest(TO_TEMPLATE)]
    one[TO_TEMPLATE]

    assert len({*digests}) == 3
    assert one.digest(TO_TEMPLATE) == TemplateChains(3.0).digest(TO_TEMPLATE) == digests[0]


def test_sixteen_bits_are_enough_and_zero_stays_zero(tmp_path: Path) -> None:
    scan = on_grid_scan()
    for name in ("one", "two"):
        (tmp_path / f"{name}.nii.gz").write_bytes(image_bytes(scan))
    stored = nib.load(tmp_path / "one.nii.gz")
    values = np.asarray(stored.dataobj)

    assert stored.header.get_data_dtype() == np.int16
    np.testing.assert_allclose(values, scan[0].numpy(), atol=float(scan.max()) / 32767)
    assert not values[scan[0].numpy() == 0].any()
    assert (tmp_path / "one.nii.gz").read_bytes() == (tmp_path / "two.nii.gz").read_bytes()


@pytest.mark.parametrize(
    ("scan", "name"),
    [
        ("sub-1_ses-2_T1w.nii.gz", "sub-1_ses-2_space-MNI152_T1w.nii.gz"),
        ("OAS1_0001_MR1.nii", "OAS1_0001_MR1_space-MNI152_T1w.nii.gz"),
        ("001.mgz", "001_space-MNI152_T1w.nii.gz"),
        (
            "sub-1_ses-2_space-MNI152NLin2009cSym_desc-Crop_res-1x1x1_T1w.nii.gz",
            "sub-1_ses-2_space-MNI152_T1w.nii.gz",
        ),
        ("series.of.1999", "series.of.1999_space-MNI152_T1w.nii.gz"),
    ],
)
def test_results_are_named_after_their_scans(scan: str, name: str) -> None:
    assert target_name(f"/somewhere/{scan}") == name
