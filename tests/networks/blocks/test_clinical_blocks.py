from __future__ import annotations

import pytest
import torch
from torch import nn

from admoe_monai.networks.blocks import CLINICAL_FUSIONS, ClinicalEncoder, HadamardFusion, make_clinical_fusion

WIDTH = 8


@pytest.mark.parametrize("kind", CLINICAL_FUSIONS)
@pytest.mark.parametrize("size", [(3, 4), (2, 3, 2)])
def test_fusion_keeps_the_shape_and_sees_the_prior(kind: str, size: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    fusion = CLINICAL_FUSIONS[kind](WIDTH)
    x = torch.randn(2, *size, WIDTH)
    fused = fusion(x, torch.randn(2, WIDTH))
    assert fused.shape == x.shape
    assert not torch.allclose(fused, fusion(x, torch.randn(2, WIDTH)))


@pytest.mark.parametrize("kind", CLINICAL_FUSIONS)
def test_every_parameter_of_a_fusion_learns_from_the_start(kind: str) -> None:
    torch.manual_seed(0)
    fusion = CLINICAL_FUSIONS[kind](WIDTH)
    prior = torch.randn(3, WIDTH, requires_grad=True)
    (fusion(torch.randn(3, 4, WIDTH), prior) * torch.randn(3, 4, WIDTH)).sum().backward()
    assert prior.grad is not None
    assert bool(prior.grad.any())
    assert [name for name, p in fusion.named_parameters() if p.grad is None or not bool(p.grad.any())] == []


@pytest.mark.parametrize("kind", ["adaptive", "add", "hadamard"])
@torch.no_grad()
def test_a_new_fusion_hands_the_image_on_nearly_unchanged(kind: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 50, WIDTH)
    fused = CLINICAL_FUSIONS[kind](WIDTH)(x, torch.randn(2, WIDTH))
    assert float((fused - x).norm() / x.norm()) < 0.15


def test_adaptive_weights_come_from_the_token_average_and_the_prior() -> None:
    torch.manual_seed(0)
    fusion = CLINICAL_FUSIONS["adaptive"](WIDTH)
    for parameter in fusion.parameters():
        parameter.data.normal_()
    x, prior = torch.randn(2, 3, 2, WIDTH), torch.randn(2, WIDTH)
    weights = torch.softmax(fusion.weigh(torch.cat((x.mean((1, 2)), prior), dim=1)), dim=1)
    for sample in range(2):
        expected = fusion.proj(weights[sample, 0] * x[sample] + weights[sample, 1] * prior[sample])
        assert torch.allclose(fusion(x, prior)[sample], expected, atol=1e-5)


def test_the_encoder_ends_in_a_norm() -> None:
    encoder = ClinicalEncoder(3, WIDTH, hidden=16)
    assert [type(layer) for layer in encoder] == [nn.Linear, nn.LayerNorm, nn.ReLU] * 2 + [nn.Linear, nn.LayerNorm]
    assert torch.allclose(encoder(torch.randn(4, 3)).mean(1), torch.zeros(4), atol=1e-5)


def test_a_fusion_is_made_by_its_name() -> None:
    assert isinstance(make_clinical_fusion(WIDTH, "hadamard"), HadamardFusion)


def test_an_unknown_fusion_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="one of adaptive, concat, add, hadamard, got 'gated'"):
        make_clinical_fusion(WIDTH, "gated")
