from __future__ import annotations

from typing import Any

import pytest
import torch
from ignite.engine import Engine
from torch import nn

from admoe_monai.engines import AutocastInferer
from admoe_monai.handlers import FeatureStandardisation

TASKS = ("diagnosis", "change")


class TwoTasks(nn.Module):
    """Per task a norm over the tokens, their average and a head; dropout stands for all that training adds."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)  # a norm whose weight happens to be near zero can't be scaled to a deviation of 1
        self.dropout = nn.Dropout(0.5)
        self.norms = nn.ModuleDict({task: nn.LayerNorm(6) for task in TASKS})
        self.heads = nn.ModuleDict({task: nn.Linear(6, 3) for task in TASKS})
        for norm in self.norms.values():
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)

    def features(self, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
        return {task: self.norms[task](self.dropout(tokens)).mean(dim=1) for task in TASKS}

    def forward(self, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
        return {task: self.heads[task](feature) for task, feature in self.features(tokens).items()}


def prepare(batch: dict[str, Any], *_: Any) -> tuple[Any, dict[str, Any], tuple[()], dict[str, Any]]:
    return batch["image"], {}, (), {}


@pytest.fixture
def tokens() -> torch.Tensor:
    """Of 40 people, who have most of every token in common."""
    random = torch.Generator().manual_seed(0)
    return 3 * torch.randn(5, 6, generator=random) + 0.1 * torch.randn(40, 5, 6, generator=random)


def standardise(network: TwoTasks, tokens: torch.Tensor, iteration: int = 0) -> None:
    torch.manual_seed(1)
    loader = [{"image": part} for part in tokens.split(16)]
    norms, heads = dict(network.norms.items()), dict(network.heads.items())
    engine = Engine(lambda *_: None)
    engine.state.iteration = iteration
    FeatureStandardisation(network, norms, heads, loader, prepare, AutocastInferer())(engine)  # type: ignore[arg-type]


def test_features_have_mean_0_and_deviation_1(tokens: torch.Tensor) -> None:
    network = TwoTasks()
    standardise(network, tokens)
    for feature in network.eval().features(tokens).values():
        torch.testing.assert_close(feature.mean(0), torch.zeros(6), atol=1e-4, rtol=0)
        torch.testing.assert_close(feature.std(0, correction=0), torch.ones(6), atol=1e-4, rtol=0)


def test_only_the_norms_change(tokens: torch.Tensor) -> None:
    network = TwoTasks()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    standardise(network, tokens)
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {f"norms.{task}.{kind}" for task in TASKS for kind in ("weight", "bias")}
    assert network.training
    assert not any(head._forward_pre_hooks for head in network.heads.values())


def test_a_phase_under_way_is_left_alone(tokens: torch.Tensor) -> None:
    network = TwoTasks()
    before = network.norms["diagnosis"].weight.clone()
    standardise(network, tokens, iteration=1)
    assert torch.equal(network.norms["diagnosis"].weight, before)


def test_features_that_are_the_same_for_all_are_left_as_they_are(
    tokens: torch.Tensor, caplog: pytest.LogCaptureFixture
) -> None:
    network = TwoTasks()
    before = network.norms["change"].bias.clone()
    standardise(network, tokens[:1].expand(8, -1, -1))
    assert torch.equal(network.norms["change"].bias, before)
    assert "Features of change are the same for all 8 visits" in caplog.text


def test_a_feature_that_hardly_differs_is_not_blown_up(tokens: torch.Tensor) -> None:
    network = TwoTasks()
    with torch.no_grad():
        network.norms["diagnosis"].weight[0] = 1e-6
    standardise(network, tokens)
    assert network.eval().features(tokens)["diagnosis"].std(0)[0] < 0.01
