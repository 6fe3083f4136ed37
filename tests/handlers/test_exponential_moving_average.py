from __future__ import annotations

from typing import Any

import pytest
import torch
from monai.engines import SupervisedTrainer
from torch import nn

from admoe_monai.handlers import ExponentialMovingAverage


def trained(
    steps: int, accumulation_steps: int = 1, average: dict[str, Any] | None = None, **choices: Any
) -> tuple[ExponentialMovingAverage, list[torch.Tensor]]:
    """The average over a small training, and the weight after every batch."""
    torch.manual_seed(0)
    network = nn.Linear(2, 1, bias=False)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    ema = ExponentialMovingAverage(network, optimizer, **choices)
    if average is not None:
        ema.load_state_dict(average)
    weights: list[torch.Tensor] = []

    def loss(prediction: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        weights.append(network.weight.detach().clone())
        return (prediction - label).square().mean()

    trainer = SupervisedTrainer(
        torch.device("cpu"),
        max_epochs=1,
        train_data_loader=[{"image": torch.randn(3, 2), "label": torch.randn(3, 1)} for _ in range(steps)],
        network=network,
        optimizer=optimizer,
        loss_function=loss,
        accumulation_steps=accumulation_steps,
        train_handlers=[ema],
        decollate=False,
    )
    trainer.run()
    return ema, [*weights[1:], network.weight.detach().clone()]


def test_the_first_step_is_taken_over_whole_and_the_others_are_averaged() -> None:
    ema, weights = trained(3, decay=0.9, warmup_power=None)
    expected = weights[0]
    for weight in weights[1:]:
        expected = 0.9 * expected + 0.1 * weight
    assert torch.allclose(ema.network.weight, expected)
    assert not torch.allclose(ema.network.weight, weights[-1])


def test_a_short_training_averages_over_what_there_is() -> None:
    ema, weights = trained(3, decay=0.999, warmup_power=1.0)
    # The weight 1 - 1 / n of what came before gives the plain average.
    assert torch.allclose(ema.network.weight, torch.stack(weights).mean(0))


def test_gradients_that_are_only_accumulated_count_for_nothing() -> None:
    ema, weights = trained(5, accumulation_steps=2, warmup_power=1.0)
    assert ema.state_dict()["steps"] == 3
    assert torch.allclose(ema.network.weight, torch.stack([weights[1], weights[3], weights[4]]).mean(0))


def test_an_average_goes_on_from_its_state() -> None:
    before, _ = trained(2, decay=0.9, warmup_power=None)
    state = before.state_dict()
    start = state["model_state_dict"]["weight"].clone()
    after, weights = trained(1, average=state, decay=0.9, warmup_power=None)
    assert after.state_dict()["steps"] == 3
    assert torch.allclose(after.network.weight, 0.9 * start + 0.1 * weights[0])


@pytest.mark.parametrize(
    ("choices", "message"), [({"decay": 1.0}, "below 1, got 1.0"), ({"warmup_power": 0.0}, "positive or null, got 0.0")]
)
def test_numbers_out_of_range_are_refused(choices: dict[str, float], message: str) -> None:
    network = nn.Linear(1, 1)
    with pytest.raises(ValueError, match=message):
        ExponentialMovingAverage(network, torch.optim.SGD(network.parameters(), lr=1.0), **choices)
