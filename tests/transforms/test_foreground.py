import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Flip

from admoe_monai.errors import UserError
from admoe_monai.transforms import Foreground, Foregroundd


def ball(shape: tuple[int, ...], radius: float) -> np.ndarray:
    grids = np.meshgrid(*(np.arange(size) - (size - 1) / 2 for size in shape), indexing="ij")
    return sum(grid**2 for grid in grids) <= radius**2


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * np.sum(a & b) / (a.sum() + b.sum())


@pytest.mark.parametrize("shape", [(40, 48), (24, 28, 24)])
def test_a_constant_background_of_any_value_is_found_exactly(shape):
    inside = ball(shape, 8)
    image = np.where(inside, 100 + np.random.default_rng(0).normal(size=shape), 7.0)[None]
    foreground = Foreground()(image)

    assert foreground.dtype == np.uint8
    assert foreground.shape == (1, *shape)
    np.testing.assert_array_equal(foreground[0] == 1, inside)


@pytest.mark.parametrize("shape", [(60, 64), (32, 32, 32)])
def test_a_noisy_background_is_told_from_bright_and_dark_tissue(shape):
    head, core = ball(shape, 14), ball(shape, 12)
    noise = np.random.default_rng(0).normal(scale=3, size=shape)
    image = 27 + 70 * head + 90 * core + noise

    assert dice(Foreground()(image[None])[0] == 1, head) > 0.98


def test_dark_holes_inside_belong_to_the_foreground():
    inside, ventricle = ball((24, 24, 24), 9), ball((24, 24, 24), 3)
    image = 100.0 * (inside & ~ventricle)

    np.testing.assert_array_equal(Foreground()(image[None])[0] == 1, inside)


def test_specks_far_from_the_head_are_dropped_but_large_pieces_stay():
    image = np.zeros((40, 40))
    image[5:25, 5:25] = 50
    image[30:36, 30:36] = 50
    image[38, 2] = 50
    foreground = Foreground()(image[None])[0]

    assert foreground[38, 2] == 0
    assert foreground.sum() == 400 + 36


def test_a_rim_left_by_resampling_is_no_foreground():
    image = np.zeros((20, 20))
    image[4:16, 4:16] = 1e-5
    image[6:14, 6:14] = 1.0

    assert Foreground()(image[None]).sum() == 64


def test_channels_are_averaged_and_tensors_stay_tensors():
    image = torch.zeros(3, 20, 20)
    image[:, 5:15, 5:15] = 1.0
    foreground = Foreground()(image)

    assert isinstance(foreground, torch.Tensor)
    assert foreground.shape == (1, 20, 20)
    assert foreground.sum() == 100


def test_the_twin_keeps_the_affine_for_what_follows():
    image = MetaTensor(torch.zeros(1, 20, 20, 20), affine=torch.diag(torch.tensor([2.0, 2.0, 3.0, 1.0])))
    image[:, 5:15, 5:15, 5:15] = 1.0
    image = Flip(spatial_axis=0)(image)
    item = Foregroundd("image")({"image": image})

    torch.testing.assert_close(item["foreground"].affine, image.affine)
    assert item["foreground"].applied_operations == []
    assert len(image.applied_operations) == 1


def scan(shape: tuple[int, ...], spacing: float = 2.0) -> MetaTensor:
    affine = torch.diag(torch.tensor([spacing] * 3 + [1.0], dtype=torch.float64))
    return MetaTensor(torch.from_numpy(100.0 * ball(shape, 8)[None]), affine=affine)


@pytest.mark.parametrize("shape", [(24, 28), (24, 28, 20)])
def test_a_mask_of_the_same_grid_is_the_foreground(tmp_path, shape):
    inside = ball(shape, 4)
    nib.save(nib.Nifti1Image(inside.astype(np.uint8), np.diag([2.0, 2.0, 2.0, 1.0])), tmp_path / "mask.nii.gz")
    item = Foregroundd("image")({"image": scan(shape), "brain_mask": str(tmp_path / "mask.nii.gz")})

    np.testing.assert_array_equal(item["foreground"][0] == 1, inside)
    assert item["foreground"].dtype == torch.uint8


@pytest.mark.parametrize("axes", [2, 3])
def test_a_mask_of_another_grid_is_read_where_the_image_has_its_voxels(tmp_path, axes):
    # Four voxels of the mask per voxel of the image along each axis, the first of them at -0.75 mm, and mirrored axes.
    inside = ball((24, 28, 20)[:axes], 6)
    fine = np.flip(inside.repeat(4, 0).repeat(4, 1) if axes == 2 else inside.repeat(4, 0).repeat(4, 1).repeat(4, 2), 0)
    affine = np.diag([-0.5, 0.5, 0.5, 1.0])
    affine[:axes, 3] = -0.75
    affine[0, 3] += 0.5 * (fine.shape[0] - 1)
    nib.save(nib.Nifti1Image(fine.astype(np.uint8), affine), tmp_path / "mask.nii.gz")
    item = Foregroundd("image")({"image": scan(inside.shape), "brain_mask": str(tmp_path / "mask.nii.gz")})

    np.testing.assert_array_equal(item["foreground"][0] == 1, inside)


def test_a_mask_in_memory_counts_as_well():
    inside = ball((24, 28, 20), 4)
    image = scan(inside.shape)
    mask = MetaTensor(torch.from_numpy(inside[None]), affine=image.affine)
    item = Foregroundd("image")({"image": image, "brain_mask": mask})

    np.testing.assert_array_equal(item["foreground"][0] == 1, inside)


def test_a_mask_that_lies_apart_from_the_image_is_refused_by_name(tmp_path):
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = 500
    nib.save(nib.Nifti1Image(ball((24, 28, 20), 4).astype(np.uint8), affine), tmp_path / "mask.nii.gz")
    with pytest.raises(UserError, match=r"mask .*mask.nii.gz: the mask and the scan lie apart"):
        Foregroundd("image")({"image": scan((24, 28, 20)), "brain_mask": str(tmp_path / "mask.nii.gz")})


def test_an_item_whose_mask_is_null_is_treated_as_one_without():
    image = scan((24, 28, 20))
    with_null = Foregroundd("image")({"image": image, "brain_mask": None})["foreground"]

    assert torch.equal(with_null, Foregroundd("image")({"image": image})["foreground"])


def test_a_constant_image_is_refused():
    with pytest.raises(ValueError, match="no foreground: all its voxels are 3"):
        Foreground()(np.full((1, 8, 8), 3.0))


@pytest.mark.parametrize("name", ["constant_share", "min_share"])
def test_a_share_outside_zero_and_one_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} must lie between 0 and 1, got 1.5"):
        Foreground(**{name: 1.5})
