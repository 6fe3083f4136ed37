"""The clinical prior inside the network: where it joins, whom it reaches, what stands in for it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from drawn_networks import make, volume

from admoe_monai.networks.blocks import (
    CLINICAL_FUSIONS,
)

NAN = float("nan")
CLASSIFICATION = ("diagnosis", "change")


@torch.no_grad()
def test_a_missing_prior_is_the_learned_stand_in() -> None:
    net, x = make(), volume()
    stand_in = net.prior_stand_in.expand(2, -1)
    assert torch.equal(net(x)["diagnosis"], net(x, prior=stand_in)["diagnosis"])
    one_missing = stand_in.clone()
    one_missing[:, 0], one_missing[:, 2] = 1.0, -2.0
    holed = one_missing.clone()
    holed[:, 1] = NAN
    assert torch.equal(net(x, prior=holed)["change"], net(x, prior=one_missing)["change"])
    assert not torch.allclose(net(x, prior=torch.zeros(2, 3))["change"], net(x)["change"])


def test_the_stand_in_learns_where_entries_are_missing_and_only_there() -> None:
    net = make()
    net(volume(), prior=torch.tensor([[1.0, NAN, 2.0], [0.0, 1.0, 3.0]]))["diagnosis"].square().sum().backward()
    assert net.prior_stand_in.grad is not None
    assert (net.prior_stand_in.grad != 0).tolist() == [False, True, False]
    assert all(bool(p.grad.isfinite().all()) for p in net.parameters() if p.grad is not None)


@torch.no_grad()
def test_reconstruction_never_sees_the_prior() -> None:
    net, x = make(), volume()
    plain = net(x, tasks=("reconstruction",))["reconstruction"]
    assert torch.equal(net(x, tasks=("reconstruction",), prior=torch.ones(2, 3))["reconstruction"], plain)


@pytest.mark.parametrize("fusion", CLINICAL_FUSIONS.values())
@pytest.mark.parametrize("fusion_stage", [0, 1])
@pytest.mark.parametrize("task_stages", [0, 1, 2])
def test_every_fusion_reaches_both_heads_at_every_stage(fusion: Any, fusion_stage: int, task_stages: int) -> None:
    net = make(clinical_fusion=fusion, fusion_stage=fusion_stage, encoder={"task_stages": task_stages})
    prior = torch.randn(2, 3, requires_grad=True)
    outputs = net(volume(), prior=prior)
    for task in CLASSIFICATION:
        (gradient,) = torch.autograd.grad(outputs[task].square().sum(), prior, retain_graph=True)
        assert bool(gradient.abs().sum(1).gt(0).all())


@torch.no_grad()
def test_a_sample_gets_its_own_prior_in_every_stream() -> None:
    net, x = make(fusion_stage=1, encoder={"task_stages": 2}).eval(), volume()
    prior = torch.randn(2, 3)
    together = net(x, prior=prior)
    for task in CLASSIFICATION:
        alone = torch.cat([net(x[i : i + 1], prior=prior[i : i + 1])[task] for i in range(2)])
        assert torch.allclose(together[task], alone, atol=1e-5)


@torch.no_grad()
def test_the_prior_joins_after_the_last_stage_where_none_is_named() -> None:
    x, prior = volume(), torch.randn(2, 3)
    named, unnamed = (make(fusion_stage=stage)(x, prior=prior) for stage in (1, None))
    assert torch.equal(named["diagnosis"], unnamed["diagnosis"])


def test_without_prior_there_are_no_clinical_modules() -> None:
    net = make(prior_dim=0)
    assert not any("clinical" in name or "prior" in name for name in net.state_dict())
    with pytest.raises(ValueError, match="prior_dim=0"):
        net(volume(), prior=torch.zeros(2, 3))
