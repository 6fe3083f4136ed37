"""Each format is read alike, and what no format may hold is refused by name."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its customary name

from admoe_monai.scan_files import ScanFileError, file_states, files_of, is_scan_name, open_scan
from scan_formats import AFFINE, FORMATS, PLACELESS, SHAPE, head, write


def noise(shape=(6, 7, 8), dtype=np.int16):
    return np.random.default_rng(0).integers(0, 1000, size=shape).astype(dtype)


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_gives_the_same_voxels_at_the_same_place(tmp_path, form):
    scan = open_scan(write(form, tmp_path))
    # DICOM's axes are right-handed, so its slices come in the other order.
    found, same = (
        nib.as_closest_canonical(nib.Nifti1Image(voxels, affine))
        for voxels, affine in ((scan.voxels(), scan.affine), (head().astype(np.float32), AFFINE))
    )

    assert scan.shape == SHAPE
    assert scan.voxels().dtype == np.float32
    assert np.array_equal(found.get_fdata(), same.get_fdata())
    assert scan.has_position is (form not in PLACELESS)
    assert np.allclose(found.affine[:3, :3], same.affine[:3, :3], atol=1e-4)
    assert form in PLACELESS or np.allclose(found.affine, same.affine, atol=1e-4)


@pytest.mark.parametrize("form", ["pair", "pair_gz", "analyze"])
def test_either_half_of_a_pair_names_it(tmp_path, form):
    path = write(form, tmp_path)
    other = path.with_name(path.name.replace(".img", ".hdr"))

    assert np.array_equal(open_scan(other).voxels(), open_scan(path).voxels())
    assert sorted(files_of(path)) == sorted(files_of(other)) == sorted([path, other])
    other.unlink()
    with pytest.raises(ScanFileError, match=r"lacks its other half: there is no .*T1w\.hdr"):
        open_scan(path)


def test_a_header_whose_data_lie_beside_it_is_a_scan_of_both_files(tmp_path):
    path = write("nhdr", tmp_path)
    (data,) = (file for file in files_of(path) if file != path)

    assert len(file_states(path)) == 2
    data.unlink()
    with pytest.raises(ScanFileError, match="lacks its other half"):
        open_scan(path)


def test_the_state_of_a_scan_changes_with_any_of_its_files(tmp_path):
    series, pair = write("dicom", tmp_path / "a"), write("pair", tmp_path / "b")
    before = file_states(series), file_states(pair)
    (series / "003.dcm").write_bytes((series / "004.dcm").read_bytes())
    header = pair.with_suffix(".hdr")
    header.write_bytes(header.read_bytes())

    assert file_states(series) != before[0]
    assert file_states(pair) != before[1]


@pytest.mark.parametrize(
    ("name", "is_scan"),
    [
        ("a.nii.gz", True),
        ("A.NII", True),
        ("a.img", True),
        ("a.hdr", False),
        ("a.nhdr", True),
        ("a.json", False),
        ("a.png", False),
    ],
)
def test_what_a_folder_is_searched_for(name, is_scan):
    assert is_scan_name(name) is is_scan


@pytest.mark.parametrize(
    ("dtype", "message"),
    [
        (np.complex64, "holds complex numbers; write their magnitude"),
        (np.complex128, "holds complex numbers"),
        (np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]), r"holds colours \(R, G, B\), no grey values"),
        (np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1"), ("A", "u1")]), r"holds colours \(R, G, B, A\)"),
    ],
)
def test_nifti_voxels_that_are_no_grey_values_are_refused_by_name(tmp_path, dtype, message):
    nib.save(nib.Nifti1Image(np.zeros((6, 7, 8), dtype=dtype), np.eye(4)), tmp_path / "a.nii.gz")

    with pytest.raises(ScanFileError, match=message):
        open_scan(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("name", ["a.nrrd", "a.png"])
def test_colours_are_refused_in_other_formats_too(tmp_path, name):
    shape = (8, 7, 3) if name == "a.png" else (8, 7, 6, 3)
    sitk.WriteImage(sitk.GetImageFromArray(noise(shape, np.uint8), isVector=True), str(tmp_path / name))

    with pytest.raises(ScanFileError, match="holds colours or vectors, no grey values"):
        open_scan(tmp_path / name)


def test_complex_npz_slices_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", slice=noise((8, 9)) * 1j)
    with pytest.raises(ScanFileError, match="holds complex numbers"):
        open_scan(tmp_path / "a.npz")


def with_forms(path, qform, sform):
    image = nib.Nifti1Image(noise(), None)
    image.set_qform(qform, 1)
    image.set_sform(sform, 1)
    nib.save(image, path)
    return path


def turned(degrees):
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(degrees), -np.sin(degrees)], [np.sin(degrees), np.cos(degrees)]]
    return turn @ np.diag([2.0, 2, 2, 1])


@pytest.mark.parametrize(
    ("sform", "apart"), [(turned(np.pi / 2), 26.1), (np.diag([2.0, 2, 2, 1]) + np.eye(4, k=3) * 30, 30.0)]
)
def test_a_qform_and_an_sform_that_contradict_each_other_are_noted_both(tmp_path, sform, apart):
    (note,) = open_scan(with_forms(tmp_path / "a.nii", np.diag([2.0, 2, 2, 1]), sform)).notes

    assert note.kind == "a qform and an sform that contradict each other: the sform counts"
    assert note.detail.startswith("qform RAS 2 x 2 x 2 mm from (0.0, 0.0, 0.0), sform ")
    assert note.detail.endswith(f"up to {apart} mm apart")


def test_forms_that_differ_by_rounding_are_no_matter(tmp_path):
    nearly = np.diag([2.0, 2, 2, 1])
    nearly[:3, 3] = 0.4
    assert open_scan(with_forms(tmp_path / "a.nii", np.diag([2.0, 2, 2, 1]), nearly)).notes == ()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_forms_that_mirror_each_other_are_refused(tmp_path, axis):
    mirrored = np.diag([2.0, 2, 2, 1])
    mirrored[axis] *= -1

    with pytest.raises(ScanFileError, match="has a qform and an sform that mirror each other"):
        open_scan(with_forms(tmp_path / "a.nii", np.diag([2.0, 2, 2, 1]), mirrored))


def test_a_header_without_a_place_is_noted(tmp_path):
    nib.save(nib.Nifti1Image(noise(), None), tmp_path / "a.nii")
    sitk.WriteImage(sitk.GetImageFromArray(noise((8, 9), np.uint8)), str(tmp_path / "a.png"))
    plain = b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 6 7 8\nencoding: raw\n\n"
    (tmp_path / "a.nrrd").write_bytes(plain + noise(dtype=np.uint8).tobytes())

    kinds = [open_scan(tmp_path / name).notes[0].kind for name in ("a.nii", "a.png", "a.nrrd")]
    assert [kind.partition(":")[0] for kind in kinds] == [
        "neither qform nor sform",
        "no voxel size and no position (PNG)",
        "no space directions (NRRD)",
    ]


def test_a_png_picture_is_a_slice(tmp_path):
    pixels = noise((9, 8), np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(pixels), str(tmp_path / "a.png"))

    assert np.array_equal(open_scan(tmp_path / "a.png").voxels(), pixels.T)


@pytest.mark.parametrize("layout", ["grey", "first", "last"])
def test_a_slice_of_the_original_code_is_grey_wherever_its_channels_are(tmp_path, layout):
    pixels = noise((20, 30))
    stored = {"grey": pixels, "first": np.stack([pixels] * 3), "last": np.stack([pixels] * 3, axis=-1)}[layout]
    np.savez(tmp_path / "a.npz", slice=stored, label=1)

    assert np.array_equal(open_scan(tmp_path / "a.npz").voxels(), pixels)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"image": noise((20, 30))}, "holds no array 'slice' but image"),
        ({"slice": noise((20, 30, 3))}, "whose channels differ"),
        ({"slice": noise((20, 30, 10))}, r"of the shape \(20, 30, 10\)"),
        ({"slice": np.array([{}], dtype=object)}, "allow_pickle=False"),
    ],
)
def test_what_is_no_slice_is_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ScanFileError, match=message):
        open_scan(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["a.mnc", "a.jpg", "scan", "a.gii"])
def test_an_unknown_format_is_refused_with_those_that_are_known(tmp_path, name):
    (tmp_path / name).write_bytes(b"whatever this is" * 20)
    with pytest.raises(ScanFileError, match=r"is in no known format; known are NIfTI"):
        open_scan(tmp_path / name)


def test_what_a_reader_says_is_one_line(tmp_path):
    for name in ("a.nii.gz", "a.nrrd", "a.mgz", "a.npz", "a.png"):
        (tmp_path / name).write_bytes(b"no scan at all" * 9)
        with pytest.raises(ScanFileError, match="is unreadable: ") as error:
            open_scan(tmp_path / name)
        assert "\n" not in str(error.value)
