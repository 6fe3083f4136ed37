"""How fast a run goes, and how long what is left of it takes."""

from __future__ import annotations

import time
from collections.abc import Callable

from ignite.engine import Engine, Events

from .training_state import TrainingState

Clock = Callable[[], float]


class Pace:
    """Measure the steps of a phase; listed behind the validation, whose time belongs to the epoch.

    Seconds per epoch and scans per second go to the trainer's metrics, of which nothing is saved: they differ between two
    runs that compute the same.

    Args:
        training_state: State of the phase, which knows the epoch and counts its scans.
        phase: Key of the phase.
        num_epochs: Largest number of epochs of the phase.
        last_epoch: Number of the last epoch of the run.
        steps_to_follow: Number of steps of the phases behind this one, which are taken to last as long as those of this one.
        clock: Clock in seconds that never goes back.
    """

    def __init__(
        self,
        training_state: TrainingState,
        phase: str,
        num_epochs: int,
        last_epoch: int,
        steps_to_follow: int = 0,
        clock: Clock = time.monotonic,
    ) -> None:
        self.training_state = training_state
        self.phase = phase
        self.num_epochs = num_epochs
        self.last_epoch = last_epoch
        self.steps_to_follow = steps_to_follow
        self.clock = clock
        self._first_step = -1
        self._began = self._epoch_began = self._last_step_ended = 0.0
        self._scans_before = 0

    def attach(self, engine: Engine) -> None:
        """Register for the start of every epoch, the end of every step and the end of every epoch."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._begin_epoch)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._end_step)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def _begin_epoch(self, engine: Engine) -> None:
        self._epoch_began = self.clock()
        self._scans_before = self.training_state.count
        if self._first_step < 0:
            # Not at the start of the phase: what is prepared once says nothing of the epochs to come.
            self._first_step, self._began = engine.state.iteration, self._epoch_began

    def _end_step(self, engine: Engine) -> None:
        self._last_step_ended = self.clock()

    def __call__(self, engine: Engine) -> None:
        """Put the figures of the epoch into the trainer's metrics."""
        trained = self._last_step_ended - self._epoch_began
        engine.state.metrics["seconds_per_epoch"] = self.clock() - self._epoch_began
        engine.state.metrics["scans_per_second"] = (self.training_state.count - self._scans_before) / max(trained, 1e-9)

    def epoch_name(self, engine: Engine) -> str:
        """Name the epoch at hand."""
        return epoch_name(self.training_state.epoch_of(engine.state.epoch), self.last_epoch, self.phase)

    def seconds_per_epoch(self, engine: Engine) -> float:
        """Estimate how long an epoch lasts, from all steps so far; at least one has ended."""
        return self._seconds_per_step(engine) * engine.state.epoch_length

    def seconds_left(self, engine: Engine) -> float:
        """Estimate how long the run goes on, with all its phases, unless one is stopped early."""
        in_phase = self.num_epochs * engine.state.epoch_length - engine.state.iteration
        return self._seconds_per_step(engine) * (in_phase + self.steps_to_follow)

    def _seconds_per_step(self, engine: Engine) -> float:
        return (self.clock() - self._began) / max(engine.state.iteration - self._first_step, 1)


def epoch_name(number: int, last: int, phase: str) -> str:
    """Name an epoch as the log and the bar do.

    Args:
        number: Number of the epoch, counted from 0 over the whole run.
        last: Number of the last epoch of the run.
        phase: Key of the phase.
    """
    return f"Epoch {number} of {last} [{phase}]"


def duration(seconds: float) -> str:
    """Say how long something lasts, as in "1 h 20 min"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
