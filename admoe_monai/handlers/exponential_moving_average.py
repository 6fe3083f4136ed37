"""A moving average of the weights, beside those that are trained (Polyak and Juditsky 1992; Tarvainen and Valpola 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ignite.engine import Engine
from timm.utils import ModelEmaV3
from torch import nn
from torch.optim import Optimizer


class ExponentialMovingAverage:
    """Keep a network whose weights are an exponential moving average of another's, over the steps of its optimizer.

    The first step is taken over in full: what a network was before, be it noise or features that were not standardised yet,
    has no part in the average. Buffers are averaged as well, which changes nothing where they are constant.

    Args:
        network: Network in training, on its device, without any wrapper for distributed training.
        optimizer: Optimizer whose steps are counted: one whose gradients are only accumulated changes no weights.
        decay: Largest weight of the average so far, in 0 to 1.
        warmup_power: Exponent of a warm-up, in which the weight after n steps is 1 - n ** -warmup_power up to `decay`, so
            that a short training averages as well; None begins with `decay`.

    Raises:
        ValueError: If a number lies outside of its range.
    """

    def __init__(
        self, network: nn.Module, optimizer: Optimizer, decay: float = 0.999, warmup_power: float | None = 2 / 3
    ) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be at least 0 and below 1, got {decay}")
        if warmup_power is not None and warmup_power <= 0:
            raise ValueError(f"warmup_power must be positive or null, got {warmup_power}")
        self._trained = network
        self._optimizer = optimizer
        self._average = ModelEmaV3(
            network, decay=decay, use_warmup=warmup_power is not None, warmup_power=warmup_power or 1.0
        )
        self._steps = 0

    @property
    def network(self) -> nn.Module:
        """Return the network with the averaged weights, in evaluation mode."""
        average: nn.Module = self._average.module
        return average

    def attach(self, engine: Engine) -> None:
        """Register for every step of the optimizer; the engine has no event for those alone."""
        self._optimizer.register_step_post_hook(lambda *_: self._take_in())

    def _take_in(self) -> None:
        self._steps += 1
        self._average.update(self._trained, step=self._steps)

    def state_dict(self) -> dict[str, Any]:
        """Return the averaged weights and the number of steps behind them."""
        return {"model_state_dict": dict(self.network.state_dict()), "steps": self._steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a state.

        Args:
            state: State from `state_dict`, of a network with the same weights by name and shape.
        """
        self.network.load_state_dict(state["model_state_dict"])
        self._steps = int(state["steps"])
