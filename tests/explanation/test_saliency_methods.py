"""SmoothGrad and occlusion on networks of which the answer is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from admoe_monai.explanation.difference import LogitDifference
from admoe_monai.explanation.occlusion import cubes, occlusion
from admoe_monai.explanation.smoothgrad import smoothgrad


class Linear(nn.Module):
    """Three logits, each a weighted sum of the voxels; a prior adds to the first."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, image: Tensor, tasks: tuple[str, ...], prior: Tensor | None = None) -> Mapping[str, Tensor]:
        logits = torch.einsum("bc...,kc...->bk", image, self.weights)
        if prior is not None:
            logits = logits + nn.functional.pad(prior[:, :1], (0, 2)) * image.flatten(1).sum(1, keepdim=True)
        return dict.fromkeys(tasks, logits)


def linear(spatial_dims: int, channels: int = 1) -> Linear:
    return Linear(torch.randn(3, channels, *(6, 7, 5)[:spatial_dims], generator=torch.Generator().manual_seed(0)))


def image_of(network: Linear, seed: int = 1) -> Tensor:
    return torch.randn(1, *network.weights.shape[1:], generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_map_of_a_linear_network_is_the_difference_of_its_weights(spatial_dims: int, channels: int) -> None:
    network = linear(spatial_dims, channels)
    found = smoothgrad(LogitDifference(network, "diagnosis", 2, 0), image_of(network), samples=3, noise=0.2, seed=0)
    torch.testing.assert_close(found, (network.weights[2] - network.weights[0]).sum(0).detach())


def test_noise_smooths_a_kink_and_is_repeatable() -> None:
    class Kinked(nn.Module):
        def forward(self, image: Tensor, tasks: tuple[str, ...]) -> Mapping[str, Tensor]:
            return {tasks[0]: torch.stack([torch.zeros(len(image)), image.relu().flatten(1).sum(1)], 1)}

    image = torch.linspace(-0.5, 0.5, 400).reshape(1, 1, 20, 20)
    difference = LogitDifference(Kinked(), "diagnosis", 1, 0)
    state = torch.get_rng_state()
    plain = smoothgrad(difference, image, samples=1, noise=0.0, seed=0)
    noisy = smoothgrad(difference, image, samples=200, noise=1.0, seed=0)
    assert set(plain.unique().tolist()) == {0.0, 1.0}
    # The share of copies above the kink: Phi(0.5) where the image is brightest, with a standard deviation of one.
    assert abs(float(noisy[-1].mean()) - 0.68) < 0.03
    torch.testing.assert_close(smoothgrad(difference, image, 200, 1.0, seed=0), noisy, rtol=0, atol=0)
    assert not torch.equal(smoothgrad(difference, image, 200, 1.0, seed=1), noisy)
    torch.testing.assert_close(torch.get_rng_state(), state, rtol=0, atol=0)


def test_the_prior_reaches_the_network() -> None:
    network = linear(2)
    difference, image = LogitDifference(network, "diagnosis", 0, 1), image_of(network)
    named: dict[str, Any] = {"prior": torch.tensor([[5.0, 0.0]]), "tasks": ("diagnosis", "change")}
    without = smoothgrad(difference, image, 1, 0.0, 0)
    torch.testing.assert_close(
        smoothgrad(difference, image, 1, 0.0, 0, **named) - without, torch.full_like(without, 5.0)
    )
    regions = torch.ones(image.shape[2:], dtype=torch.int64)
    taken = occlusion(difference, image, regions, torch.zeros(image.shape[2:]), **named)
    torch.testing.assert_close(taken[0], difference(image, **named)[0, 0].detach())


def test_explaining_leaves_no_gradient_in_the_network() -> None:
    network = linear(3)
    smoothgrad(LogitDifference(network, "diagnosis", 1, 0), image_of(network), 1, 0.1, 0)
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_occlusion_of_a_linear_network_is_the_weighted_departure_from_the_mean(
    spatial_dims: int, batch_size: int
) -> None:
    network = linear(spatial_dims)
    image, mean = image_of(network), image_of(network, seed=2)[0, 0]
    regions = torch.from_numpy(cubes(np.ones(image.shape[2:]), 3).astype(np.int64))
    taken = occlusion(LogitDifference(network, "diagnosis", 2, 0), image, regions, mean, batch_size)
    weights = (network.weights[2] - network.weights[0])[0].detach()
    share = weights * (image[0, 0] - mean)
    expected = torch.stack([share[regions == number].sum() for number in range(1, int(regions.max()) + 1)])
    torch.testing.assert_close(taken, expected, rtol=1e-4, atol=1e-4)
    assert len(taken) > 3


def test_a_scan_that_is_everybodys_loses_nothing() -> None:
    network = linear(3)
    image = image_of(network)
    regions = torch.ones(image.shape[2:], dtype=torch.int64)
    taken = occlusion(LogitDifference(network, "diagnosis", 2, 0), image, regions, image[0, 0])
    torch.testing.assert_close(taken, torch.zeros(1), rtol=0, atol=1e-6)


def test_cubes_cover_the_head_once_and_leave_air_out() -> None:
    foreground = np.zeros((8, 8, 8))
    foreground[:4] = 1
    foreground[4, 0, 0] = 1
    regions = cubes(foreground, 4)
    assert np.array_equal(regions[:4] > 0, np.ones((4, 8, 8), bool))
    # One voxel of 64 is no head.
    assert not regions[4:].any()
    assert [int((regions == number).sum()) for number in range(1, 5)] == [64] * 4
