"""The backbone against timm's swinv2 models, every parameter drawn at random."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from admoe_monai.networks.blocks.window_attention import WindowAttention
from admoe_monai.networks.layers.windows import WindowPlan
from admoe_monai.networks.nets import SwinTransformerV2

WINDOWS = {"swinv2_tiny_window8_256": 8, "swinv2_tiny_window16_256": 16}
# Largest feature difference that counts as equal in float64.
EXACT = 1e-10


def draw_every_parameter(model: nn.Module) -> None:
    generator = torch.Generator().manual_seed(7)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("logit_scale"):
            # From below the initial ln 10 to beyond the clamp at ln 100.
            value = math.log(20.0) + noise
        elif "norm" in name and name.endswith("weight"):
            value = 1 + 0.3 * noise
        else:
            value = 0.3 * noise if parameter.ndim == 1 else noise / math.sqrt(parameter[0].numel())
        parameter.data.copy_(value)


class Pair:
    """A timm model, its counterpart with the same weights, and an image."""

    def __init__(self, name: str) -> None:
        self.timm = timm.create_model(name, pretrained=False).eval()
        draw_every_parameter(self.timm)
        self.ours = SwinTransformerV2(
            spatial_dims=2, in_channels=3, img_size=256, embed_dim=96, window_size=WINDOWS[name]
        ).eval()
        # The names are the same, but for the classification head, which the backbone has none of.
        backbone = {n: w for n, w in self.timm.state_dict().items() if not n.startswith("head.")}
        self.ours.load_state_dict(backbone, strict=True)
        self.image = torch.randn(1, 3, 256, 256, generator=torch.Generator().manual_seed(3))

    @torch.no_grad()
    def features(self, dtype: torch.dtype) -> tuple[list[Tensor], list[Tensor]]:
        self.timm.to(dtype)
        self.ours.to(dtype)
        _, expected = self.timm.forward_intermediates(self.image.to(dtype))
        return self.ours(self.image.to(dtype)), expected


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair("swinv2_tiny_window8_256")


@pytest.fixture(scope="module", params=WINDOWS)
def each_pair(request: pytest.FixtureRequest) -> Pair:
    return Pair(request.param)


def largest_difference(ours: list[Tensor], expected: list[Tensor]) -> float:
    assert [m.shape for m in ours] == [m.shape for m in expected]
    return max(float((a - b).abs().max()) for a, b in zip(ours, expected, strict=True))


def test_every_stage_equals_timm_in_float64(each_pair: Pair) -> None:
    assert largest_difference(*each_pair.features(torch.float64)) < EXACT


def test_every_stage_equals_timm_in_float32(each_pair: Pair) -> None:
    ours, expected = each_pair.features(torch.float32)
    for mine, theirs in zip(ours, expected, strict=True):
        assert float((mine - theirs).abs().max()) < 1e-5 * float(theirs.abs().max())


def test_forward_features_equals_timm_with_channels_first(pair: Pair) -> None:
    pair.features(torch.float64)
    with torch.no_grad():
        expected = pair.timm.forward_features(pair.image.double()).movedim(-1, 1)
        assert torch.allclose(pair.ours.forward_features(pair.image.double()), expected, rtol=0, atol=EXACT)


def unmasked(plan: WindowPlan, device: torch.device) -> None:
    return None


def unshifted(size: list[int], window_size: tuple[int, ...], shifted: bool) -> WindowPlan:
    return WindowPlan(tuple(size), tuple(min(s, w) for s, w in zip(size, window_size, strict=True)), (0, 0))


def transposed_bias(original: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda self, window: original(self, window).transpose(-1, -2)


def not_normalised(x: Tensor, dim: int) -> Tensor:
    return x


MUTATIONS: dict[str, tuple[object, str, object]] = {
    "shift mask left out": (WindowPlan, "mask", unmasked),
    "shift left out": (WindowPlan, "balanced", unshifted),
    "dot product for cosine": (F, "normalize", not_normalised),
    "logit scale not clamped": ("admoe_monai.networks.blocks.window_attention", "LARGEST_LOGIT_SCALE", math.inf),
    "position bias transposed": (WindowAttention, "position_bias", transposed_bias(WindowAttention.position_bias)),
    "position bias of half the height": ("admoe_monai.networks.blocks.window_attention", "LARGEST_POSITION_BIAS", 8.0),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_mutated_attention_breaks_parity(pair: Pair, monkeypatch: pytest.MonkeyPatch, mutation: str) -> None:
    owner, name, replacement = MUTATIONS[mutation]
    _, expected = pair.features(torch.float64)
    if isinstance(owner, str):
        monkeypatch.setattr(f"{owner}.{name}", replacement)
    else:
        monkeypatch.setattr(owner, name, replacement)
    with torch.no_grad():
        ours = pair.ours(pair.image.double())
    assert largest_difference(ours, expected) > 1e-3


def test_scrambled_norms_break_parity(pair: Pair) -> None:
    _, expected = pair.features(torch.float64)
    block = pair.ours.layers[2].blocks[3]
    block.norm1, block.norm2 = block.norm2, block.norm1
    try:
        with torch.no_grad():
            ours = pair.ours(pair.image.double())
    finally:
        block.norm1, block.norm2 = block.norm2, block.norm1
    assert largest_difference(ours, expected) > 1e-3
