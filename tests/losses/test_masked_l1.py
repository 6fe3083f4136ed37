from __future__ import annotations

import pytest
import torch
from torch import Tensor

from admoe_monai.losses import MaskedL1Loss


def volumes(size: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    grid = [-(-s // 4) for s in size]
    mask = torch.rand(2, 1, *grid) < 0.5
    return torch.randn(2, 3, *size), torch.randn(2, 3, *size), mask, torch.rand(2, 1, *size) < 0.7


def upsampled(mask: Tensor, size: tuple[int, ...]) -> Tensor:
    places = torch.meshgrid(*(torch.arange(s) // 4 for s in size), indexing="ij")
    return mask[(slice(None), slice(None), *places)]


@pytest.mark.parametrize("size", [(8, 8), (10, 7), (8, 5, 6)])
def test_it_is_the_mean_over_masked_foreground_and_channels(size: tuple[int, ...]) -> None:
    prediction, image, mask, foreground = volumes(size)
    counted = (upsampled(mask, size) & foreground).expand_as(image)
    expected = (prediction - image).abs()[counted].mean()
    assert torch.allclose(MaskedL1Loss(4)(prediction, image, mask, foreground), expected)


def test_without_foreground_every_masked_voxel_counts() -> None:
    prediction, image, mask, _ = volumes((8, 8))
    expected = (prediction - image).abs()[upsampled(mask, (8, 8)).expand_as(image)].mean()
    assert torch.allclose(MaskedL1Loss(4)(prediction, image, mask), expected)


def test_visible_and_background_voxels_have_no_gradient() -> None:
    prediction, image, mask, foreground = volumes((8, 8))
    prediction.requires_grad_()
    MaskedL1Loss(4)(prediction, image, mask, foreground).backward()
    assert prediction.grad is not None
    counted = (upsampled(mask, (8, 8)) & foreground).expand_as(image)
    assert torch.equal(prediction.grad != 0, counted)


def test_an_empty_set_gives_zero_with_a_gradient() -> None:
    prediction, image, mask, foreground = volumes((8, 8))
    prediction.requires_grad_()
    loss = MaskedL1Loss(4)(prediction, image, torch.zeros_like(mask), foreground)
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert prediction.grad is not None
    assert not bool(prediction.grad.any())


@pytest.mark.parametrize("size", [(11, 8), (7, 6, 9)])
def test_the_target_is_normalised_over_a_window_inside_the_foreground(size: tuple[int, ...]) -> None:
    _, image, mask, foreground = volumes(size)
    image = 50 + 10 * image
    target = torch.zeros_like(image)
    inside = foreground.expand_as(image)
    for b in range(image.shape[0]):
        for c in range(image.shape[1]):
            floor = 0.01 * image[b, c][inside[b, c]].var(correction=0)
            for place in torch.nonzero(inside[b, c]).tolist():
                window = tuple(slice(max(p - 2, 0), p + 3) for p in place)
                values = image[(b, c, *window)][inside[(b, c, *window)]]
                spread = torch.maximum(values.var(correction=0), floor).sqrt()
                target[(b, c, *place)] = (image[(b, c, *place)] - values.mean()) / spread
    # A reconstruction of this very target has no error, and one off by a constant has that constant.
    loss = MaskedL1Loss(4, norm_window=5)
    assert float(loss(target, image, mask, foreground)) < 1e-4
    assert float(loss(target + 0.5, image, mask, foreground)) == pytest.approx(0.5, abs=1e-4)


def test_flat_regions_are_not_blown_up() -> None:
    image = torch.zeros(1, 1, 16, 16)
    image[..., 8:] = 100.0
    image[..., :8] += 0.01 * torch.randn(16, 8)
    mask = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    mask[..., 0] = True
    # Deviations of 0.01 under a floor of 5 (1 % of a variance of 2,500, square root).
    assert float(MaskedL1Loss(4, norm_window=3)(torch.zeros_like(image), image, mask)) < 0.01


def test_a_constant_image_stays_finite() -> None:
    image = torch.full((1, 1, 8, 8), 3.0)
    mask = torch.ones(1, 1, 2, 2, dtype=torch.bool)
    assert float(MaskedL1Loss(4, norm_window=3)(torch.zeros_like(image), image, mask)) == 0.0


@pytest.mark.parametrize("window", [0, 4, -1])
def test_an_even_or_empty_window_is_refused(window: int) -> None:
    with pytest.raises(ValueError, match=f"got {window}"):
        MaskedL1Loss(4, norm_window=window)


def test_shapes_that_do_not_fit_are_refused() -> None:
    prediction, image, mask, _ = volumes((8, 8))
    with pytest.raises(ValueError, match=r"\(2, 1, 2, 1\)"):
        MaskedL1Loss(4)(prediction, image, mask[..., :1])
    with pytest.raises(ValueError, match=r"\(2, 3, 8, 4\)"):
        MaskedL1Loss(4)(prediction[..., :4], image, mask)
