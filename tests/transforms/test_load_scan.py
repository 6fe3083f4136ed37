import gzip

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Spacingd

from admoe_monai.errors import UserError
from admoe_monai.transforms import LoadScan, LoadScand

AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])


def write(path, voxels, affine=AFFINE):
    nib.save(nib.Nifti1Image(voxels, affine), path)
    return path


def noise(*shape):
    return np.random.default_rng(0).integers(0, 1000, size=shape).astype(np.int16)


@pytest.mark.parametrize("shape", [(6, 7), (6, 7, 8)])
def test_a_scan_comes_with_one_channel_and_its_affine(tmp_path, shape):
    voxels = noise(*shape)
    scan = LoadScan(len(shape))(write(tmp_path / "scan.nii.gz", voxels))

    assert isinstance(scan, MetaTensor)
    assert scan.dtype == torch.float32
    np.testing.assert_array_equal(scan.numpy()[0], voxels)
    np.testing.assert_allclose(scan.affine[:2, :2], AFFINE[:2, :2])


@pytest.mark.parametrize(("stored", "spatial_dims"), [((6, 7, 8, 1), 3), ((6, 7, 1), 2)])
def test_axes_of_length_one_at_the_end_are_dropped(tmp_path, stored, spatial_dims):
    scan = LoadScan(spatial_dims)(write(tmp_path / "scan.nii.gz", noise(*stored)))

    assert scan.shape == (1, *stored[:spatial_dims])


def test_an_item_with_an_image_path_survives_spacing(tmp_path):
    path = str(write(tmp_path / "scan.nii.gz", noise(6, 7, 8)))
    chain = Compose([LoadScand("image"), Spacingd("image", pixdim=(2.0, 2.0, 2.0))])
    item = chain({"image": path, "image_path": path})

    assert item["image"].shape == (1, 6, 7, 12)
    assert item["image_path"] == path


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Empty file"),
        (b"this is no scan", "not a gzip file"),
        (gzip.compress(b"neither is this", mtime=0), "scan.nii.gz"),
    ],
)
def test_an_unreadable_file_is_named_in_one_line(tmp_path, content, reason):
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(content)

    with pytest.raises(UserError, match=reason) as error:
        LoadScan()(path)
    assert str(error.value).startswith(f"scan {path} is unreadable: ")
    assert "\n" not in str(error.value)


def test_a_truncated_file_is_named_in_one_line(tmp_path):
    path = write(tmp_path / "scan.nii.gz", noise(20, 20, 20))
    path.write_bytes(path.read_bytes()[:4000])

    with pytest.raises(UserError, match=r"scan .* is unreadable: .*ended before"):
        LoadScan()(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"scan not found: .*none.nii"):
        LoadScan()(tmp_path / "none.nii")


@pytest.mark.parametrize(
    ("spatial_dims", "shape", "message"),
    [
        (3, (6, 7, 8, 5), r"has 4 axes \(6, 7, 8, 5\), expected a slice or a volume"),
        (3, (6, 7), r"shape \(6, 7\), expected 3 axes"),
        (2, (6, 7, 8), r"shape \(6, 7, 8\), expected 2 axes"),
    ],
)
def test_a_scan_of_another_dimension_is_refused(tmp_path, spatial_dims, shape, message):
    with pytest.raises(UserError, match=message):
        LoadScan(spatial_dims)(write(tmp_path / "scan.nii.gz", noise(*shape)))


def test_voxels_that_are_not_finite_are_counted(tmp_path):
    voxels = noise(6, 7, 8).astype(np.float32)
    voxels[0, 0, :2] = np.nan, np.inf
    with pytest.raises(UserError, match="holds 2 voxels that are NaN or infinite"):
        LoadScan()(write(tmp_path / "scan.nii.gz", voxels))


def test_a_constant_scan_is_refused(tmp_path):
    with pytest.raises(UserError, match="all its voxels are 4"):
        LoadScan()(write(tmp_path / "scan.nii.gz", np.full((6, 7, 8), 4, dtype=np.int16)))


def test_an_affine_that_no_one_can_invert_is_refused(tmp_path):
    # Two axes along x.
    path = write(tmp_path / "scan.nii", noise(6, 7, 8))
    raw = bytearray(path.read_bytes())
    raw[280:328] = np.array([[2, 2, 0, 0], [0, 0, 0, 0], [0, 0, 3, 0]], dtype="<f4").tobytes()
    path.write_bytes(raw)

    with pytest.raises(UserError, match="affine that can't be inverted"):
        LoadScan()(path)


def test_other_than_two_or_three_axes_are_refused():
    with pytest.raises(ValueError, match="spatial_dims must be 2 or 3, got 4"):
        LoadScan(4)
