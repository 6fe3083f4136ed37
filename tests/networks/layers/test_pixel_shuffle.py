from __future__ import annotations

import torch
from torch import nn

from admoe_monai.networks.layers.pixel_shuffle import PixelShuffle


def test_two_dimensions_equal_pytorch() -> None:
    x = torch.randn(2, 2 * 16, 3, 5)
    assert torch.equal(PixelShuffle(2, 4)(x), nn.PixelShuffle(4)(x))


def test_three_dimensions_unfold_every_axis() -> None:
    assert PixelShuffle(3, 2)(torch.zeros(1, 3 * 8, 2, 3, 4)).shape == (1, 3, 4, 6, 8)
