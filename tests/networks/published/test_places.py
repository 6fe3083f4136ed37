"""Weights of a backbone find their place, whatever it is and whoever saved it."""

from __future__ import annotations

import pytest
import timm
import torch
from monai.networks.nets import ResNetFeatures
from monai.networks.nets.swin_unetr import SwinTransformer, SwinUNETR
from torch import Tensor, nn

from admoe_monai.networks.nets import AlzheimerMMoE, FeatureMapEncoder
from admoe_monai.networks.published import as_network_weights
from tiny_networks import CLASSES, tiny_network


def fitting(network: nn.Module, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights that have a place in the network, loaded into it."""
    own = network.state_dict()
    found = {n: w for n, w in as_network_weights(weights, own).weights.items() if n in own and w.shape == own[n].shape}
    network.load_state_dict(found, strict=False)
    return found


def behind(backbone: nn.Module, num_features: int) -> AlzheimerMMoE:
    return AlzheimerMMoE(FeatureMapEncoder(backbone, num_features), CLASSES)


def test_the_names_of_a_network_stay_as_they_are() -> None:
    weights = tiny_network().state_dict()
    assert as_network_weights(weights, weights).weights.keys() == weights.keys()
    assert as_network_weights({"x": torch.zeros(1)}, weights).weights.keys() == {"x"}


def test_timms_swin_v2_finds_its_place_as_an_encoder_without_experts() -> None:
    theirs = timm.create_model(
        "swinv2_tiny_window8_256", embed_dim=8, depths=(1, 1), num_heads=(1, 2), img_size=32, in_chans=1, window_size=4
    )
    sizes = {"patch_size": 4, "embed_dim": 8, "depths": (1, 1), "window_size": 4, "moe_stages": ()}
    network = tiny_network(2, encoder=sizes).eval()
    found = fitting(network, theirs.state_dict())
    assert {n for n, _ in network.named_parameters() if n.startswith("encoder.")} == found.keys()
    image = torch.randn(1, 1, 32, 32)
    maps, _ = network.encoder.run_stages(network.encoder.embed(image))
    expected = theirs.eval().forward_intermediates(image, intermediates_only=True)[-1]
    assert torch.allclose(maps[-1].movedim(-1, 1), expected, atol=1e-5)


def test_the_encoder_of_a_swin_unetr_finds_its_place_behind_ours() -> None:
    theirs = SwinUNETR(in_channels=1, out_channels=2, feature_size=12, window_size=3)
    backbone = SwinTransformer(
        in_chans=1,
        embed_dim=12,
        window_size=[3] * 3,
        patch_size=[2] * 3,
        depths=[2] * 4,
        num_heads=[3, 6, 12, 24],
    )
    network = behind(backbone, 192)
    found = fitting(network, theirs.state_dict())
    assert {name for name in network.state_dict() if name.startswith("encoder.")} == found.keys()
    image = torch.randn(1, 1, 32, 32, 32)
    expected = theirs.eval().swinViT(image)[-1]
    assert torch.equal(network.eval().encoder.embed(image), expected.movedim(1, -1))


@pytest.mark.parametrize("prefix", ["", "encoder.backbone."])
def test_a_cnn_saved_alone_finds_its_place(prefix: str) -> None:
    theirs, ours = (ResNetFeatures("resnet10", False, spatial_dims=2) for _ in range(2))
    network = behind(ours, 512)
    fitting(network, {prefix + name: weight for name, weight in theirs.state_dict().items()})
    assert all(torch.equal(w, ours.state_dict()[n]) for n, w in theirs.state_dict().items())
