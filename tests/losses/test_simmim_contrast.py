from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from admoe_monai.losses import SimMIMContrastLoss, SimMIMLoss


@pytest.fixture
def prediction() -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(6, 5, generator=generator, requires_grad=True)
    return {"reconstruction": torch.zeros(6, 1, 8, 8), "routing": [], "features": {"reconstruction": features}}


@pytest.fixture
def target() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        "image": torch.randn(6, 1, 8, 8, generator=generator),
        "mask": torch.rand(6, 1, 2, 2, generator=generator) < 0.6,
        "view": torch.tensor([0, 0, 0, 1, 1, 1]),
    }


def nt_xent(features: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of finding the other view of an image among all other images, written out."""
    images, rows = len(features) // 2, []
    for i, feature in enumerate(features):
        similarity = F.cosine_similarity(feature[None], features) / temperature
        others = [j for j in range(len(features)) if j != i]
        rows.append(similarity[others].logsumexp(0) - similarity[(i + images) % len(features)])
    return torch.stack(rows).mean()


def test_the_contrast_is_nt_xent_beside_simmim(prediction: dict[str, Any], target: dict[str, Tensor]) -> None:
    loss = SimMIMContrastLoss(contrast_weight=0.3, temperature=0.2, patch_size=4)
    parts = loss.components(prediction, target)
    reconstruction = SimMIMLoss(4)(prediction, target)
    contrast = nt_xent(prediction["features"]["reconstruction"], 0.2)
    assert list(parts) == ["reconstruction", "contrast"]
    assert torch.allclose(parts["contrast"], contrast)
    assert torch.allclose(loss(prediction, target), reconstruction + 0.3 * contrast)


def test_images_are_told_apart_by_their_view_and_not_by_their_place(
    prediction: dict[str, Any], target: dict[str, Tensor]
) -> None:
    loss = SimMIMContrastLoss(patch_size=4)
    expected = loss.components(prediction, target)["contrast"]
    mixed = torch.tensor([0, 3, 1, 4, 2, 5])
    prediction["features"] = {"reconstruction": prediction["features"]["reconstruction"][mixed]}
    assert torch.allclose(loss.components(prediction, {**target, "view": target["view"][mixed]})["contrast"], expected)


def test_the_gradient_brings_the_views_of_an_image_together(
    prediction: dict[str, Any], target: dict[str, Tensor]
) -> None:
    features = prediction["features"]["reconstruction"]
    loss = SimMIMContrastLoss(patch_size=4)
    loss(prediction, target).backward()
    moved = {"reconstruction": (features - features.grad).detach()}
    before = F.cosine_similarity(features[:3], features[3:]).mean()
    assert F.cosine_similarity(moved["reconstruction"][:3], moved["reconstruction"][3:]).mean() > before


def test_images_that_are_there_once_have_no_contrast(prediction: dict[str, Any], target: dict[str, Tensor]) -> None:
    once = {name: value for name, value in target.items() if name != "view"}
    loss = SimMIMContrastLoss(patch_size=4)
    assert list(loss.components(prediction, once)) == ["reconstruction"]
    assert torch.equal(loss(prediction, once), SimMIMLoss(4)(prediction, once))


def test_a_single_image_has_nothing_to_be_told_apart_from(target: dict[str, Tensor]) -> None:
    pair = {name: value[[0, 3]] for name, value in target.items()}
    prediction = {
        "reconstruction": torch.zeros(2, 1, 8, 8),
        "routing": [],
        "features": {"reconstruction": torch.randn(2, 5, requires_grad=True)},
    }
    contrast = SimMIMContrastLoss(patch_size=4).components(prediction, pair)["contrast"]
    contrast.backward()
    assert math.isclose(contrast.item(), 0.0, abs_tol=1e-6)
    assert prediction["features"]["reconstruction"].grad.abs().max() < 1e-6


@pytest.mark.parametrize("choices", [{"contrast_weight": -0.1}, {"temperature": 0.0}])
def test_numbers_out_of_range_are_refused(choices: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(choices))):
        SimMIMContrastLoss(patch_size=4, **choices)
