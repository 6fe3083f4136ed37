"""Averages of the training loss over the epoch, kept in the training state so that an interruption leaves no gap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from ignite import distributed as idist
from ignite.engine import Engine, Events

from .training_state import TrainingState

Components = Callable[[Any, Any], Mapping[str, torch.Tensor]]


class RunningAverages:
    """Add the loss of every step, and its components where the loss names them, to the epoch's averages.

    Args:
        components: Breakdown that the loss itself makes of (prediction, target); None for the total alone.
    """

    def __init__(self, training_state: TrainingState, components: Components | None = None) -> None:
        self.training_state = training_state
        self.components = components

    def attach(self, engine: Engine) -> None:
        """Register for the end of every iteration."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Add the step's loss."""
        output = engine.state.output
        values = {"loss": output["loss"].detach()}
        if self.components is not None:
            with torch.no_grad():
                values |= self.components(output["pred"], output["label"])
        items = len(output["image"])
        sums = torch.tensor([*(value.item() * items for value in values.values()), items], dtype=torch.float64)
        if idist.get_world_size() > 1:
            sums = idist.all_reduce(sums.to(idist.device())).cpu()
        *totals, count = sums.tolist()
        self.training_state.add(dict(zip(values, totals, strict=True)), int(count))
