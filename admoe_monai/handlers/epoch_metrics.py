"""Figures that an epoch ends with, handed to the trackers of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ignite.engine import Engine, Events
from monai.engines import Evaluator
from torch import Tensor
from torch.optim import Optimizer

from .cadence import Cadence
from .pace import Pace
from .training_state import TrainingState


@dataclass(frozen=True)
class Epoch:
    """Figures of an epoch.

    Attributes:
        phase: Key of the phase.
        number: Number of the epoch, counted from 0 over the whole run.
        last: Number of the last epoch of the run.
        values: Learning rate, averages of training as ``train_<name>``, scores of a validation as ``val_<name>``.
        groups: Scores of a validation's metrics that are dictionaries, such as gate weights, by the metric's name.
        matrices: Scores of its metrics that are matrices (K, K), such as counts of each class taken for each, by their names.
        telemetry: Figures that a resumed run does not repeat, such as seconds per epoch: the trainer's metrics.
        seconds_left: Estimated time until the run ends.
    """

    phase: str
    number: int
    last: int
    values: dict[str, float]
    groups: dict[str, dict[str, float]] = field(default_factory=dict)
    matrices: dict[str, Tensor] = field(default_factory=dict)
    telemetry: dict[str, float] = field(default_factory=dict)
    seconds_left: float = 0.0


#: Tracker of a run: a file, a service, a log. An overlay adds one with ``+trackers``.
Tracker = Callable[[Epoch], None]


class EpochMetrics:
    """Hand the averages of each epoch and the scores of its validation to all trackers.

    Args:
        trackers: Trackers, called one after the other.
        evaluator: Source of the scores.
        cadence: Cadence of the validation.
        training_state: Source of the averages of training.
        optimizer: Source of the learning rate.
        pace: Source of the time that is left, and of where in the run this is.
    """

    def __init__(
        self,
        trackers: Sequence[Tracker],
        evaluator: Evaluator,
        cadence: Cadence,
        training_state: TrainingState,
        optimizer: Optimizer,
        pace: Pace,
    ) -> None:
        self.trackers = list(trackers)
        self.evaluator = evaluator
        self.cadence = cadence
        self.training_state = training_state
        self.optimizer = optimizer
        self.pace = pace

    def attach(self, engine: Engine) -> None:
        """Register for the end of every epoch."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Hand on the figures of the epoch that is complete."""
        number = self.training_state.epoch_of(engine.state.epoch)
        values: dict[str, float] = {"lr": self.optimizer.param_groups[0]["lr"]}
        values |= {f"train_{name}": value for name, value in self.training_state.averages().items()}
        groups: dict[str, dict[str, float]] = {}
        matrices: dict[str, Tensor] = {}
        if self.cadence.is_due(number):
            metrics = self.evaluator.state.metrics
            groups = {name: dict(value) for name, value in metrics.items() if isinstance(value, dict)}
            matrices = {name: v.clone() for name, v in metrics.items() if isinstance(v, Tensor) and v.ndim == 2}
            # ignite (0.5.5) lists the entries of a dictionary a second time beside it.
            listed = {name for group in groups.values() for name in group}
            scores = {name: v for name, v in metrics.items() if isinstance(v, (int, float)) and name not in listed}
            values |= {f"val_{name}": value for name, value in scores.items()}
            values["best_val_acc"] = self.training_state.best_val_acc
        telemetry = {name: v for name, v in engine.state.metrics.items() if isinstance(v, (int, float))}
        left = self.pace.seconds_left(engine)
        epoch = Epoch(self.pace.phase, number, self.pace.last_epoch, values, groups, matrices, telemetry, left)
        for tracker in self.trackers:
            tracker(epoch)
