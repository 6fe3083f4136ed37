import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Flip

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


def test_a_constant_image_is_refused():
    with pytest.raises(ValueError, match="no foreground: all its voxels are 3"):
        Foreground()(np.full((1, 8, 8), 3.0))


@pytest.mark.parametrize("name", ["constant_share", "min_share"])
def test_a_share_outside_zero_and_one_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} must lie between 0 and 1, got 1.5"):
        Foreground(**{name: 1.5})
