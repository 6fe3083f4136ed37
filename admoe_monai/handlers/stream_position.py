"""Position of the sampler, set to where the run stands."""

from __future__ import annotations

from typing import Protocol

from ignite.engine import Engine, Events

from .training_state import TrainingState


class PositionedSampler(Protocol):
    """A sampler that can start anywhere in any epoch."""

    def set_position(self, epoch: int, start: int = 0) -> None:
        """Set the position; see `admoe_monai.data.EpochSampler`."""


class StreamPosition:
    """Set epoch and offset of the sampler before an epoch's first batch is drawn.

    Args:
        sampler: Sampler of the training loader.
        batch_size: Number of items per step of this process, to leave out those that an interrupted epoch has seen.
    """

    def __init__(self, sampler: PositionedSampler, training_state: TrainingState, batch_size: int) -> None:
        self.sampler = sampler
        self.training_state = training_state
        self.batch_size = batch_size

    def attach(self, engine: Engine) -> None:
        """Register for the start of every epoch."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Set the sampler's position; a fresh epoch also starts fresh averages."""
        steps_done = engine.state.iteration % engine.state.epoch_length
        if steps_done == 0:
            self.training_state.begin_epoch()
        self.sampler.set_position(self.training_state.epoch_of(engine.state.epoch), steps_done * self.batch_size)
