from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from monai.networks.nets import ResNetFeatures
from monai.networks.nets.swin_unetr import SwinTransformer
from torch import Tensor, nn

from admoe_monai.networks.blocks import PixelShuffleDecoder
from admoe_monai.networks.nets import AlzheimerLogits, AlzheimerMMoE, FeatureMapEncoder
from tiny_networks import CLASSES


def resnet(spatial_dims: int) -> FeatureMapEncoder:
    backbone = ResNetFeatures("resnet10", pretrained=False, spatial_dims=spatial_dims, in_channels=1)
    return FeatureMapEncoder(backbone, 512)


def swin_v1(spatial_dims: int) -> FeatureMapEncoder:
    backbone = SwinTransformer(
        in_chans=1,
        embed_dim=6,
        window_size=[3] * spatial_dims,
        patch_size=[2] * spatial_dims,
        depths=[2, 2, 2, 2],
        num_heads=[1, 2, 3, 6],
        spatial_dims=spatial_dims,
    )
    return FeatureMapEncoder(backbone, 96)


def convolution(spatial_dims: int) -> FeatureMapEncoder:
    """A backbone that returns a single map instead of a list."""
    return FeatureMapEncoder({2: nn.Conv2d, 3: nn.Conv3d}[spatial_dims](1, 8, 4, stride=4), 8)


def image(spatial_dims: int) -> Tensor:
    return torch.randn(2, 1, *(40, 36, 33)[:spatial_dims], generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=[resnet, swin_v1, convolution])
def encoder(request: pytest.FixtureRequest, spatial_dims: int) -> FeatureMapEncoder:
    torch.manual_seed(0)
    return request.param(spatial_dims).eval()


@pytest.mark.parametrize("spatial_dims", [2, 3])
@torch.no_grad()
def test_tokens_are_the_last_map_of_the_backbone(encoder: FeatureMapEncoder, spatial_dims: int) -> None:
    maps = encoder.backbone(image(spatial_dims))
    last = maps[-1] if isinstance(maps, list) else maps
    tokens = encoder.embed(image(spatial_dims))
    assert torch.equal(tokens, last.movedim(1, -1))
    assert tokens.shape[-1] == encoder.num_features


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_heads_and_prior_work_behind_it_without_gates(encoder: FeatureMapEncoder, spatial_dims: int) -> None:
    network = AlzheimerMMoE(encoder, CLASSES, prior_dim=3).eval()
    prior = torch.randn(2, 3, requires_grad=True)
    outputs = network(image(spatial_dims), prior=prior)
    assert outputs["diagnosis"].shape == (2, 3)
    assert outputs["routing"] == []
    for task in CLASSES:
        (gradient,) = torch.autograd.grad(outputs[task].square().sum(), prior, retain_graph=True)
        assert bool(gradient.abs().sum(1).gt(0).all())
    assert not {name for name in network.state_dict() if "reconstruction" in name or "mask_token" in name}


@pytest.mark.parametrize("spatial_dims", [2])
def test_its_logits_are_one_tensor_too(encoder: FeatureMapEncoder, spatial_dims: int) -> None:
    network = AlzheimerLogits(encoder, CLASSES).eval()
    assert network(image(spatial_dims)).shape == (2, 6)


@pytest.mark.parametrize(
    "arguments", [{"tasks": ("reconstruction",)}, {"mask": torch.zeros(2, 1, 10, 9, dtype=torch.bool)}]
)
def test_reconstruction_and_masks_are_refused(arguments: dict[str, Any]) -> None:
    network = AlzheimerMMoE(convolution(2), CLASSES)
    with pytest.raises(ValueError, match="FeatureMapEncoder can't mask tokens, so there is no reconstruction"):
        network(image(2), **arguments)


def test_a_decoder_behind_it_is_refused() -> None:
    decoder = partial(PixelShuffleDecoder, spatial_dims=2, out_channels=1)
    with pytest.raises(ValueError, match=r"can't mask tokens.* Set decoder to null"):
        AlzheimerMMoE(convolution(2), CLASSES, decoder=decoder)


def test_a_prior_in_its_middle_is_refused() -> None:
    with pytest.raises(ValueError, match="0 to 0, or null for the last, got 2"):
        AlzheimerMMoE(convolution(2), CLASSES, prior_dim=3, fusion_stage=2)


@pytest.mark.parametrize(
    ("backbone", "found"),
    [
        (nn.Conv2d(1, 6, 3), r"got \(2, 6, 38, 34\)"),
        (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 8)), r"got \(2, 8\)"),
        (nn.LSTM(36, 8), "ends with one"),
    ],
)
def test_another_output_than_a_map_of_that_width_is_refused(backbone: nn.Module, found: str) -> None:
    x = image(2)[:, 0] if isinstance(backbone, nn.LSTM) else image(2)
    with pytest.raises(ValueError, match=rf"{type(backbone).__name__} must return a map .* {found}"):
        FeatureMapEncoder(backbone, 8).embed(x)
