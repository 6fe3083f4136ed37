from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from admoe_monai.losses import GateGuidanceLoss, ImportanceLoss

NAN = float("nan")


class Record(NamedTuple):
    weights: Tensor
    log_weights: Tensor


def records(logits: list[Tensor]) -> list[Record]:
    return [Record(x.softmax(-1).mean(1), x.log_softmax(-1).mean(1)) for x in logits]


def gates(blocks: int = 2) -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(3, 5, 4, requires_grad=True) for _ in range(blocks)]


def test_guidance_is_the_divergence_per_token_averaged_over_guided_samples_and_blocks() -> None:
    logits = gates()
    guidance = torch.tensor([[0.4, 0.6, 0.0, 0.0], [NAN] * 4, [0.1, 0.2, 0.3, 0.4]])
    per_token = [
        F.kl_div(x[b].log_softmax(-1), guidance[b].expand(5, 4), reduction="batchmean") for x in logits for b in (0, 2)
    ]
    assert torch.allclose(GateGuidanceLoss()(records(logits), guidance), torch.stack(per_token).mean())


def test_a_gate_that_says_what_guidance_says_has_no_divergence() -> None:
    guidance = torch.tensor([[0.4, 0.6, 1e-30, 1e-30]])
    logits = guidance.log()[:, None].repeat(1, 5, 1)
    assert float(GateGuidanceLoss()(records([logits]), guidance)) == pytest.approx(0.0, abs=1e-6)


def test_only_guided_samples_train_the_gate() -> None:
    logits = gates(1)
    GateGuidanceLoss()(records(logits), torch.tensor([[0.4, 0.6, 0, 0], [NAN] * 4, [NAN] * 4])).backward()
    assert logits[0].grad is not None
    assert (logits[0].grad != 0).flatten(1).any(1).tolist() == [True, False, False]
    assert bool(logits[0].grad.isfinite().all())


def test_no_guidance_gives_zero_with_a_gradient() -> None:
    logits = gates(1)
    loss = GateGuidanceLoss()(records(logits), torch.full((3, 4), NAN))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert logits[0].grad is not None


def test_importance_is_the_squared_coefficient_of_variation() -> None:
    weights = torch.tensor([[0.7, 0.1, 0.1, 0.1], [0.5, 0.3, 0.1, 0.1]])
    load = [1.2, 0.4, 0.2, 0.2]
    mean = sum(load) / 4
    expected = sum((value - mean) ** 2 for value in load) / 4 / mean**2
    even = torch.full((2, 4), 0.25)
    loss = ImportanceLoss()
    assert float(loss([Record(weights, weights.log())])) == pytest.approx(expected, rel=1e-5)
    assert float(loss([Record(weights, weights.log()), Record(even, even.log())])) == pytest.approx(
        expected / 2, rel=1e-5
    )


def test_importance_grows_when_an_expert_collapses() -> None:
    even, collapsed = torch.full((2, 4), 0.25), torch.tensor([[0.97, 0.01, 0.01, 0.01]] * 2)
    loss = ImportanceLoss()
    assert float(loss([Record(even, even)])) == 0.0
    assert float(loss([Record(collapsed, collapsed)])) > 2.5


def test_balance_without_experts_is_refused() -> None:
    with pytest.raises(ValueError, match="without experts"):
        ImportanceLoss()([])
