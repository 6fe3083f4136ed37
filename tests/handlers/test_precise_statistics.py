from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from ignite.engine import Engine, Events
from monai.inferers import SimpleInferer
from torch import nn

from admoe_monai.handlers import PreciseStatistics


def measured(network: nn.Module, images: list[torch.Tensor], **settings: Any) -> None:
    def prepare(batch: Any, device: Any) -> Any:
        return batch["image"], None, (), {}

    engine: Any = SimpleNamespace(network=network)
    PreciseStatistics(network, [{"image": image} for image in images], prepare, SimpleInferer(), **settings)(engine)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(4), nn.Linear(4, 2)).double()


def test_the_statistics_are_those_of_the_batches_without_dropout(network: nn.Module) -> None:
    batches = [3 + 2 * torch.randn(5, 4, dtype=torch.float64) for _ in range(3)]
    before = {name: value.clone() for name, value in network.named_parameters()}
    random = torch.get_rng_state()
    measured(network.train(), batches)
    norm = network[1]
    assert torch.allclose(norm.running_mean, torch.stack([batch.mean(0) for batch in batches]).mean(0))
    assert torch.allclose(norm.running_var, torch.stack([batch.var(0) for batch in batches]).mean(0))
    assert norm.momentum == 0.1
    assert all(module.training for module in network.modules())
    assert all(torch.equal(before[name], value) for name, value in network.named_parameters())
    assert torch.equal(random, torch.get_rng_state())


def test_batches_beyond_the_number_are_left_out(network: nn.Module) -> None:
    first, second = torch.randn(2, 5, 4, dtype=torch.float64)
    measured(network, [first, 100 + second], batches=1)
    assert torch.allclose(network[1].running_mean, first.mean(0))


@pytest.mark.parametrize(("norm", "attached"), [(nn.BatchNorm2d(3), True), (nn.LayerNorm(3), False)])
def test_a_network_without_batch_norms_is_left_alone(norm: nn.Module, attached: bool) -> None:
    engine: Any = Engine(lambda engine, batch: None)
    prepare: Any = None
    handler = PreciseStatistics(nn.Sequential(norm), [], prepare, SimpleInferer())
    handler.attach(engine)
    assert engine.has_event_handler(handler, Events.STARTED) is attached


def test_the_network_gets_its_modes_and_momenta_back_after_an_error(network: nn.Module) -> None:
    with pytest.raises(RuntimeError):
        measured(network.eval(), [torch.zeros(3, 7, dtype=torch.float64)])
    assert not any(module.training for module in network.modules())
    assert network[1].momentum == 0.1
