"""Figures that an epoch ends with, handed to the trackers of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ignite.engine import Engine, Events
from monai.engines import Evaluator
from torch.optim import Optimizer

from .cadence import Cadence
from .training_state import TrainingState


@dataclass(frozen=True)
class Epoch:
    """Figures of an epoch.

    Attributes:
        phase: Key of the phase.
        number: Number of the epoch, counted from 0 over the whole run.
        in_phase: Number within the phase, counted from 1.
        num_epochs: Largest number of epochs of the phase.
        values: Learning rate, averages of training as ``train_<name>``, scores of a validation as ``val_<name>``.
        groups: Scores of metrics that are dictionaries, such as gate weights per class.
        seconds_left: Estimated time until the phase ends.
    """

    phase: str
    number: int
    in_phase: int
    num_epochs: int
    values: dict[str, float]
    groups: dict[str, float]
    seconds_left: float


#: Tracker of a run: a file, a service, a log. An overlay adds one with ``+trackers``.
Tracker = Callable[[Epoch], None]


class EpochMetrics:
    """Hand the averages of each epoch and the scores of its validation to all trackers.

    Args:
        trackers: Trackers, called one after the other.
        phase: Key of the phase.
        evaluator: Source of the scores.
        cadence: Cadence of the validation.
        optimizer: Source of the learning rate.
        num_epochs: Number of epochs of the phase.
    """

    def __init__(
        self,
        trackers: Sequence[Tracker],
        phase: str,
        evaluator: Evaluator,
        cadence: Cadence,
        training_state: TrainingState,
        optimizer: Optimizer,
        num_epochs: int,
    ) -> None:
        self.trackers = list(trackers)
        self.phase = phase
        self.evaluator = evaluator
        self.cadence = cadence
        self.training_state = training_state
        self.optimizer = optimizer
        self.num_epochs = num_epochs
        self._started = time.monotonic()
        self._first: int | None = None

    def attach(self, engine: Engine) -> None:
        """Register for the start of the run and the end of every epoch."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def _start(self, engine: Engine) -> None:
        self._started = time.monotonic()
        self._first = engine.state.iteration

    def __call__(self, engine: Engine) -> None:
        """Hand on the figures of the epoch that is complete."""
        number = self.training_state.epoch_of(engine.state.epoch)
        values: dict[str, float] = {"lr": self.optimizer.param_groups[0]["lr"]}
        values |= {f"train_{name}": value for name, value in self.training_state.averages().items()}
        groups: dict[str, float] = {}
        if self.cadence.is_due(number):
            metrics = self.evaluator.state.metrics
            for value in metrics.values():
                if isinstance(value, dict):
                    groups |= value
            # ignite (0.5.5) lists the entries of a dictionary a second time beside it.
            scores = {name: v for name, v in metrics.items() if isinstance(v, (int, float)) and name not in groups}
            values |= {f"val_{name}": value for name, value in scores.items()}
            values["best_val_acc"] = self.training_state.best_val_acc
        epoch = Epoch(
            self.phase, number, engine.state.epoch, self.num_epochs, values, groups, self._seconds_left(engine)
        )
        for tracker in self.trackers:
            tracker(epoch)

    def _seconds_left(self, engine: Engine) -> float:
        done = engine.state.epoch * engine.state.epoch_length - (self._first or 0)
        left = (self.num_epochs - engine.state.epoch) * engine.state.epoch_length
        return float((time.monotonic() - self._started) / max(done, 1) * left)
