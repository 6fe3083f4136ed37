"""The two losses that MONAI's trainer calls, on what the network returns."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from admoe_monai.losses import (
    ClassificationLoss,
    GateGuidanceLoss,
    ImportanceLoss,
    MaskedL1Loss,
    MultiTaskLoss,
    SimMIMLoss,
)


class Record(NamedTuple):
    weights: Tensor
    log_weights: Tensor


@pytest.fixture
def routing() -> list[Record]:
    logits = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    return [Record(logits.softmax(-1).mean(1), logits.log_softmax(-1).mean(1))]


@pytest.fixture
def target() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        "image": torch.randn(2, 1, 8, 8, generator=generator),
        "mask": torch.rand(2, 1, 2, 2, generator=generator) < 0.6,
        "foreground": torch.rand(2, 1, 8, 8, generator=generator) < 0.8,
        "guidance": torch.tensor([[0.4, 0.6, 0, 0], [float("nan")] * 4]),
    }


def test_simmim_is_the_weighted_sum_of_its_parts(routing: list[Record], target: dict[str, Tensor]) -> None:
    prediction = {"reconstruction": torch.zeros(2, 1, 8, 8), "routing": routing}
    loss = SimMIMLoss(4, norm_window=3, guidance_weight=0.1, balance_weight=0.01)
    parts = {
        "reconstruction": MaskedL1Loss(4, 3)(
            prediction["reconstruction"], target["image"], target["mask"], target["foreground"]
        ),
        "guidance": GateGuidanceLoss()(routing, target["guidance"]),
        "balance": ImportanceLoss()(routing),
    }
    assert loss.components(prediction, target) == parts
    expected = parts["reconstruction"] + 0.1 * parts["guidance"] + 0.01 * parts["balance"]
    assert torch.allclose(loss(prediction, target), expected)


def test_simmim_needs_neither_foreground_nor_guidance_nor_gates(target: dict[str, Tensor]) -> None:
    prediction = {"reconstruction": torch.zeros(2, 1, 8, 8), "routing": []}
    parts = SimMIMLoss(4, guidance_weight=0.1).components(prediction, {k: target[k] for k in ("image", "mask")})
    assert list(parts) == ["reconstruction"]


def test_classification_is_the_weighted_sum_of_its_parts(routing: list[Record]) -> None:
    logits = {"diagnosis": torch.randn(2, 3), "change": torch.randn(2, 3)}
    labels = {"diagnosis": torch.tensor([0, 2]), "change": torch.tensor([-1, 1])}
    weights = {"diagnosis": 1.0, "change": 2.0}
    loss = ClassificationLoss(weights, label_smoothing=0.1, balance_weight=0.01)
    expected = MultiTaskLoss(weights, 0.1)(logits, labels) + 0.01 * ImportanceLoss()(routing)
    assert torch.allclose(loss({**logits, "routing": routing}, labels), expected)
    assert list(loss.components({**logits, "routing": routing}, labels)) == ["diagnosis", "change", "balance"]


def test_a_network_without_experts_has_no_balance_to_keep(target: dict[str, Tensor]) -> None:
    logits, labels = {"diagnosis": torch.randn(2, 3)}, {"diagnosis": torch.tensor([0, 2])}
    weighted, unweighted = (ClassificationLoss({"diagnosis": 1.0}, balance_weight=weight) for weight in (0.01, 0.0))
    prediction = {**logits, "routing": []}
    assert [*weighted.components(prediction, labels)] == ["diagnosis"]
    assert torch.equal(weighted(prediction, labels), unweighted(prediction, labels))
    prediction = {"reconstruction": torch.zeros(2, 1, 8, 8), "routing": []}
    assert [*SimMIMLoss(4, balance_weight=0.01).components(prediction, target)] == ["reconstruction"]


def test_classification_without_balance_needs_no_gates() -> None:
    loss = ClassificationLoss({"diagnosis": 1.0})
    assert float(loss({"diagnosis": torch.zeros(2, 3)}, {"diagnosis": torch.tensor([0, 1])})) == pytest.approx(
        1.0986, abs=1e-3
    )
