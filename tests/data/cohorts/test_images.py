import nibabel as nib
import numpy as np
import pytest

from admoe_monai.data.cohorts.images import check_images, examine_image
from admoe_monai.data.cohorts.reading import Record


def write_array(path, values, affine=None, zooms=None):
    image = nib.Nifti1Image(values.astype(np.float32), np.diag([12.0, 12, 12, 1]) if affine is None else affine)
    if zooms is not None:
        image.header["pixdim"][1:4] = zooms
    nib.save(image, path)
    return path


def noise(shape):
    return np.random.default_rng(0).uniform(0, 100, shape)


def test_a_sound_volume_has_no_problem(tmp_path, write_scan):
    facts = examine_image(write_scan(tmp_path / "a.nii.gz"))

    assert (facts.shape, facts.spacing, facts.problems) == ((10, 10, 10), (12.0, 12.0, 12.0), ())
    assert (facts.background, facts.foreground_mm) == (0.0, (72.0, 72.0, 72.0))


@pytest.mark.parametrize(
    ("values", "affine", "problem"),
    [
        (noise((8, 8, 8, 3)), None, "has 4 axes (8, 8, 8, 3), expected a slice or a volume"),
        (np.zeros((8, 8, 8)), None, "is empty: all its voxels are 0"),
        (np.where(noise((8, 8, 8)) > 99, np.nan, 1.0), None, "voxels that are NaN or infinite"),
        (
            noise((8, 8, 8)),
            np.diag([0.012, 0.012, 0.012, 1]),
            "has voxels of 0.012 x 0.012 x 0.012 mm, outside 0.2 to 12",
        ),
        (noise((8, 8, 8)), np.diag([2.0, 2, 2, 1]), "covers 16 x 16 x 16 mm, which is no head"),
    ],
)
def test_what_can_not_be_used_is_said(tmp_path, values, affine, problem):
    facts = examine_image(write_array(tmp_path / "a.nii", values, affine))

    assert len(facts.problems) == 1
    assert problem in facts.problems[0]


def test_an_affine_that_contradicts_the_voxel_size_is_found(tmp_path):
    path = write_array(tmp_path / "a.nii", noise((10, 10, 10)))
    content = bytearray(path.read_bytes())
    content[80:92] = np.array([9.0, 9.0, 9.0], dtype="<f4").tobytes()  # pixdim, and the sform stays
    path.write_bytes(content)

    assert (
        "has an affine with steps [12.0, 12.0, 12.0] but voxels of [9.0, 9.0, 9.0] mm"
        in examine_image(path).problems[0]
    )


def test_a_single_last_axis_is_no_axis_and_a_header_alone_can_be_asked_for(tmp_path):
    path = write_array(tmp_path / "a.nii", noise((8, 9, 1)))

    assert examine_image(path).shape == (8, 9)
    assert examine_image(path, voxels=False).background is None


def test_an_unreadable_file_is_a_problem_of_one_line(tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(b"not a scan")
    (problem,) = examine_image(tmp_path / "a.nii.gz").problems

    assert problem.startswith("is unreadable: ")
    assert "\n" not in problem


def test_mgz_npz_and_a_dicom_series_are_read(tmp_path, write_dicom_series):
    nib.save(nib.MGHImage(noise((9, 10, 11)).astype(np.float32), np.diag([12.0, 12, 12, 1])), tmp_path / "a.mgz")
    np.savez(tmp_path / "s.npz", slice=np.stack([noise((30, 40))] * 3))
    series = write_dicom_series(tmp_path / "dicom", noise((30, 20, 4)), (8.0, 8.0, 12.0))
    assert [examine_image(tmp_path / name).shape for name in ("a.mgz", "s.npz")] == [(9, 10, 11), (30, 40)]

    facts = examine_image(series)
    assert (facts.shape, facts.problems) == ((30, 20, 4), ("covers 240 x 160 x 48 mm, which is no head",))


def test_a_folder_must_hold_one_dicom_series(tmp_path, write_dicom_series):
    (tmp_path / "nothing").mkdir()
    for series in ("1.2.3", "1.2.4"):
        write_dicom_series(tmp_path / "two", noise((30, 20, 4)), (8.0, 8.0, 30.0), series)

    assert "is a folder that holds 0 DICOM series, expected one" in examine_image(tmp_path / "nothing").problems[0]
    assert "is a folder that holds 2 DICOM series, expected one" in examine_image(tmp_path / "two").problems[0]


def records(*names):
    return [Record({"image": name}, f"line {number}") for number, name in enumerate(names, start=2)]


def test_all_images_are_looked_at_in_one_pass(tmp_path, write_scan):
    write_scan(tmp_path / "good.nii.gz")
    (tmp_path / "bad.nii.gz").write_bytes(b"x")
    write_array(tmp_path / "empty.nii.gz", np.zeros((8, 8, 8)))
    problems, _ = check_images(records("good.nii.gz", "bad.nii.gz", "empty.nii.gz"), tmp_path)

    assert [problem.partition(":")[0] for problem in problems] == ["line 3", "line 4"]
    assert f"image {tmp_path}/empty.nii.gz is empty" in problems[1]


def test_slices_and_volumes_do_not_mix(tmp_path, write_scan):
    write_scan(tmp_path / "a.nii.gz")
    write_scan(tmp_path / "b.nii.gz", shape=(10, 10))

    assert "slices and volumes can't be in one datalist: 1 of 2 axes and 1 of 3 axes" in check_images(
        records("a.nii.gz", "b.nii.gz"), tmp_path
    )[0][0]  # fmt: skip


def test_what_images_have_in_common_is_said(tmp_path):
    for name in ("a.nii", "b.nii"):
        values = np.full((207, 215), 27.0)
        values[5:-5, 5:-5] = noise((197, 205)) + 60
        image = nib.Nifti1Image(values.astype(np.float32), None)
        nib.save(image, tmp_path / name)
    problems, notes = check_images(records("a.nii", "b.nii"), tmp_path)

    assert problems == []
    text = " | ".join(notes)
    assert "slices of two axes: train with spatial_dims 2" in text
    assert "2 of 2 images have neither qform nor sform: their position" in text
    assert "2 of 2 heads are larger than heads are (median 197 to 205 mm)" in text
    assert "the background is not 0 in 2 of 2 images (median 27)" in text
