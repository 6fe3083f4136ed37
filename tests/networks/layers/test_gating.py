from __future__ import annotations

import torch

from admoe_monai.networks.layers.gating import select_experts


def test_the_shared_expert_and_the_best_of_the_others_are_kept() -> None:
    weights = torch.tensor([[0.1, 0.2, 0.4, 0.3], [0.7, 0.1, 0.05, 0.15]])
    chosen = select_experts(weights, top_k=1, always_on=0)
    expected = torch.tensor([[0.1 / 0.5, 0, 0.4 / 0.5, 0], [0.7 / 0.85, 0, 0, 0.15 / 0.85]])
    assert torch.allclose(chosen, expected)


def test_equal_weights_still_choose_exactly_top_k() -> None:
    chosen = select_experts(torch.full((5, 4), 0.25), top_k=2, always_on=0)
    assert torch.equal((chosen > 0).sum(-1), torch.full((5,), 3))


def test_weights_that_stay_keep_their_gradient() -> None:
    weights = torch.rand(3, 4, requires_grad=True)
    select_experts(weights, top_k=1, always_on=0)[:, 0].sum().backward()
    assert weights.grad is not None
    assert bool((weights.grad[:, 0] != 0).all())
