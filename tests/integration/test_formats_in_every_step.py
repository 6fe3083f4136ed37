"""The same scan gives the same answer in every step, whatever its format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest

from admoe_monai.audit.images import read_image
from admoe_monai.data import load_datalist
from admoe_monai.data.cohorts import SplitRule, VisitTable, load_mapping, prepare_cohort
from admoe_monai.data.cohorts.images import examine_image
from admoe_monai.errors import UserError, user_error
from admoe_monai.inference import ScanDataset
from admoe_monai.inference.scans import find_scans
from admoe_monai.scan_files import files_of
from admoe_monai.transforms import LoadScan, LoadScand
from admoe_monai.workflows.preprocessing.chains import TO_TEMPLATE, TemplateChains, chain_of
from admoe_monai.workflows.preprocessing.scan import ScanJob, content_digest, preprocess_scan
from scan_formats import AFFINE, EDGES, FORMATS, SHAPE, head, write


def canonical(voxels: np.ndarray, affine: np.ndarray) -> np.ndarray:
    return nib.as_closest_canonical(nib.Nifti1Image(np.asarray(voxels, dtype=np.float32), affine)).get_fdata()


@pytest.mark.parametrize("form", FORMATS)
def test_preparation_training_audit_and_inference_see_the_same_scan(tmp_path, form):
    path = write(form, tmp_path / "scans")
    wanted = canonical(head(), AFFINE)

    facts = examine_image(path)
    assert (facts.problems, facts.shape) == ((), SHAPE)
    assert facts.spacing == pytest.approx(EDGES)
    trained = LoadScan(3)(path)
    assert np.array_equal(canonical(trained[0], np.asarray(trained.affine)), wanted)
    audited = read_image(path)
    assert np.array_equal(canonical(audited.voxels, np.asarray(trained.affine)), wanted)
    assert audited.spacing == pytest.approx(EDGES)
    (scan,) = find_scans(tmp_path / "scans")
    assert Path(scan["image"]) == path
    item = ScanDataset([scan], LoadScand("image"), {"image": (1, *SHAPE)})[0]
    assert item["problem"] == ""
    assert np.array_equal(item["image"], trained)


def test_a_cohort_of_all_formats_is_prepared_and_read_again(tmp_path):
    rows = ["Subject ID,MRI ID,MR Delay,CDR,Age,M/F,Visit,Group,file"]
    for number, form in enumerate(FORMATS):
        path = write(form, tmp_path / form, seed=number)
        rows.append(f"p{number},p{number}_MR1,0,{(0, 0.5, 1)[number % 3]},70,F,1,,{path.relative_to(tmp_path)}")
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    source = VisitTable(tmp_path / "table.csv", "{file}", load_mapping("oasis2"))
    prepare_cohort(tmp_path / "datalist.json", source, split=SplitRule(seed=1))
    cohort = load_datalist(tmp_path / "datalist.json")

    images = [visit["image"] for visits in cohort.splits.values() for visit in visits]
    assert len(images) == len(FORMATS)
    assert all(LoadScan(3)(image).shape == (1, *SHAPE) for image in images)
    assert [note for note in cohort.report["notes"] if "Analyze" in note] == [
        "1 of 16 images have no position (Analyze): where they lie, and what is left and right, is what nibabel assumes"
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_preprocessing_begins_with_the_same_scan_and_sees_when_a_file_of_it_changes(tmp_path, form):
    path = write(form, tmp_path)
    # What comes after the first transform, registration, knows no format.
    first = TemplateChains(4.0)[TO_TEMPLATE].transforms[0]({"image": str(path)})["image"]
    before = content_digest(path)

    assert chain_of(str(path)) == TO_TEMPLATE
    assert np.array_equal(canonical(first[0], np.asarray(first.affine)), canonical(head(), AFFINE))
    for file in files_of(path):
        file.write_bytes(file.read_bytes() + b" ")
        assert content_digest(path) != before
        before = content_digest(path)


def complex_values(folder: Path) -> Path:
    nib.save(nib.Nifti1Image(head().astype(np.complex64), AFFINE), folder / "T1w.nii.gz")
    return folder / "T1w.nii.gz"


def colours(folder: Path) -> Path:
    nib.save(nib.Nifti1Image(np.zeros(SHAPE, np.dtype([(c, "u1") for c in "RGB"])), AFFINE), folder / "T1w.nii.gz")
    return folder / "T1w.nii.gz"


def several_volumes(folder: Path) -> Path:
    nib.save(nib.Nifti1Image(np.stack([head()] * 3, axis=-1), AFFINE), folder / "T1w.nii.gz")
    return folder / "T1w.nii.gz"


def mirrored_forms(folder: Path) -> Path:
    image = nib.Nifti1Image(head(), None)
    image.set_sform(AFFINE, 1)
    image.set_qform(np.diag([-1.0, 1, 1, 1]) @ AFFINE, 1)
    nib.save(image, folder / "T1w.nii.gz")
    return folder / "T1w.nii.gz"


def a_missing_slice(folder: Path) -> Path:
    path = write("dicom", folder)
    (path / "010.dcm").unlink()
    return path


def a_slice_without_a_place(folder: Path) -> Path:
    path = write("dicom", folder)
    header = pydicom.dcmread(path / "010.dcm")
    del header.ImagePositionPatient
    header.save_as(path / "010.dcm")
    return path


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (complex_values, "holds complex numbers; write their magnitude"),
        (colours, "holds colours (R, G, B), no grey values"),
        (several_volumes, "has 4 axes (24, 22, 23, 3), expected a slice or a volume"),
        (mirrored_forms, "has a qform and an sform that mirror each other"),
        (a_missing_slice, "lacks 1 slices in 1 places (9.00 mm between"),
        (
            a_slice_without_a_place,
            "has 1 of 23 slices without ImagePositionPatient (010.dcm): where they lie is unknown",
        ),
    ],
)
def test_what_is_no_scan_is_refused_by_every_step_in_the_same_words(tmp_path, make: Callable[[Path], Path], why):
    path = make(tmp_path)

    assert why in examine_image(path).problems[0]
    for read in (LoadScan(3), read_image):
        with pytest.raises(UserError) as error:
            read(path)
        assert f"{path} {why}" in str(error.value)
    (scan,) = find_scans(tmp_path)
    assert why in ScanDataset([scan], LoadScand("image"), {"image": (1, *SHAPE)})[0]["problem"]
    job = ScanJob("T1w", str(path), None, tmp_path / "out" / "a_space-MNI152_T1w.nii.gz", TO_TEMPLATE)
    # MONAI wraps what a transform raises.
    with pytest.raises(RuntimeError) as error:
        preprocess_scan(job, TemplateChains(4.0))
    assert why in str(user_error(error.value))
    assert not job.target.exists()
