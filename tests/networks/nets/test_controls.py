from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from admoe_monai.networks.nets import AlzheimerMMoE, FeatureMapEncoder, NoImage, PlainCNN, SwinTransformerV2, VoxelCubes
from tiny_networks import CLASSES


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_the_cnn_is_its_blocks_written_out(spatial_dims: int) -> None:
    torch.manual_seed(0)
    cnn = PlainCNN(spatial_dims, 1, (2, 3)).eval()
    image = torch.randn(2, 1, *[8] * spatial_dims)
    convolve, pool = (F.conv2d, F.max_pool2d) if spatial_dims == 2 else (F.conv3d, F.max_pool3d)
    first, second = (m for m in cnn.modules() if isinstance(m, (nn.Conv2d, nn.Conv3d)))
    expected = image
    for number, convolution in enumerate((first, second)):
        expected = pool(expected, 2) if number else expected
        # Untrained batch norm divides by the root of one and a little.
        expected = (convolve(expected, convolution.weight, convolution.bias, padding=1) / (1 + 1e-5) ** 0.5).relu()
    assert cnn(image).shape == (2, 3, *[4] * spatial_dims)
    assert torch.allclose(cnn(image), expected, atol=1e-6)


def test_cubes_are_means_and_their_number_is_known_beforehand() -> None:
    image = torch.arange(2 * 7 * 6 * 6.0).reshape(1, 2, 7, 6, 6)
    cubes = VoxelCubes(3, 3)(image)
    assert cubes.shape == (1, VoxelCubes.number(3, 2, (7, 6, 6), 3), 1, 1, 1)
    assert cubes[0, 0] == image[0, 0, :3, :3, :3].mean()
    assert VoxelCubes.number(2, 1, 12, 3) == 16


def test_without_an_image_all_people_are_the_same_until_their_prior_is_known() -> None:
    network = AlzheimerMMoE(FeatureMapEncoder(NoImage(8), 8), CLASSES, prior_dim=3)
    network.eval()
    logits = network(torch.randn(2, 1, 8, 8), prior=torch.zeros(2, 3))["diagnosis"]
    assert torch.equal(logits[0], logits[1])
    apart = network(torch.zeros(2, 1, 8, 8), prior=torch.tensor([[0.0] * 3, [1.0] * 3]))["diagnosis"]
    assert not torch.allclose(apart[0], apart[1])


def test_one_wide_expert_has_the_arithmetic_of_four() -> None:
    settings = {"depths": (1, 1), "num_heads": (1, 2), "embed_dim": 4, "moe_stages": (1,)}
    four, wide = (
        SwinTransformerV2(3, 1, 16, **settings, experts=experts, expert_ratio=ratio)
        for experts, ratio in ((("shared", "cn", "mci", "ad"), None), (("shared",), 16.0))
    )
    weights = [
        sum(w.numel() for n, w in encoder.named_parameters() if ".experts." in n and w.ndim > 1)
        for encoder in (four, wide)
    ]
    assert weights[0] == weights[1]
