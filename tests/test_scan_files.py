import nibabel as nib
import numpy as np
import pytest

from admoe_monai.scan_files import read_dicom_series, read_npz_slice, read_special_scan
from admoe_monai.transforms import LoadScan


def volume(shape=(12, 9, 5)):
    return np.random.default_rng(0).integers(0, 500, shape).astype(np.float32)


def test_a_dicom_series_is_a_volume_with_its_place_in_space(tmp_path, write_dicom_series):
    voxels, affine = read_dicom_series(write_dicom_series(tmp_path / "s", volume(), (1.5, 2.0, 3.0)))

    assert np.array_equal(voxels, volume())
    # Patient coordinates of DICOM point left and back, RAS right and front.
    assert np.allclose(affine, np.diag([-1.5, -2.0, 3.0, 1.0]))


def test_a_scan_is_loaded_from_a_dicom_folder_as_from_a_file(tmp_path, write_dicom_series):
    scan = LoadScan(3)(write_dicom_series(tmp_path / "s", volume(), (1.5, 2.0, 3.0)))

    assert scan.shape == (1, 12, 9, 5)
    assert np.allclose(scan.affine, np.diag([-1.5, -2.0, 3.0, 1.0]))


@pytest.mark.parametrize("name", ["scan.mgz", "scan.mgh"])
def test_a_file_of_freesurfer_is_read_as_the_same_nifti_file_is(tmp_path, name):
    affine = np.array([[-1.0, 0, 0, 5], [0, 0, 2, -3], [0, -1.5, 0, 7], [0, 0, 0, 1]])
    nib.save(nib.MGHImage(volume(), affine), tmp_path / name)
    nib.save(nib.Nifti1Image(volume(), affine), tmp_path / "scan.nii")
    scan, same = LoadScan(3)(tmp_path / name), LoadScan(3)(tmp_path / "scan.nii")

    assert np.array_equal(scan.numpy(), same.numpy())
    assert np.allclose(scan.affine, same.affine)
    assert read_special_scan(tmp_path / "scan.nii") is None


@pytest.mark.parametrize("layout", ["grey", "first", "last"])
def test_a_slice_of_the_original_code_is_grey_wherever_its_channels_are(tmp_path, layout):
    pixels = volume((20, 30))
    stored = {"grey": pixels, "first": np.stack([pixels] * 3), "last": np.stack([pixels] * 3, axis=-1)}[layout]
    np.savez(tmp_path / "a.npz", slice=stored, label=1)

    assert np.array_equal(read_npz_slice(tmp_path / "a.npz"), pixels)
    assert LoadScan(2)(tmp_path / "a.npz").shape == (1, 20, 30)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"image": volume((20, 30))}, "it holds no array 'slice' but image"),
        ({"slice": volume((20, 30, 3))}, "the channels of its slice differ"),
        ({"slice": volume((20, 30, 10))}, r"its slice has the shape \(20, 30, 10\)"),
        ({"slice": np.array([{}], dtype=object)}, "allow_pickle=False"),
    ],
)
def test_what_is_no_slice_is_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        read_npz_slice(tmp_path / "a.npz")
