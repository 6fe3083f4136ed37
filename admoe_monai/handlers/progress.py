"""Progress within an epoch: a bar on a terminal, now and then a line in a file."""

from __future__ import annotations

import logging
import time
from typing import Any

from ignite.engine import Engine, Events
from tqdm import tqdm

from .pace import Clock, Pace, duration
from .training_state import TrainingState

logger = logging.getLogger(__name__)


def epoch_name(number: int, last: int, phase: str) -> str:
    """Name an epoch as the log and the bar do.

    Args:
        number: Number of the epoch, counted from 0 over the whole run.
        last: Number of the last epoch of the run.
        phase: Key of the phase.
    """
    return f"Epoch {number} of {last} [{phase}]"


class EpochBar:
    """Show a bar for each epoch, with what is left of the run.

    ignite's ProgressBar numbers epochs from 1 within the phase, while checkpoints, metrics.csv and the log number them from 0
    over both.

    Args:
        pace: Pace of the phase.
        training_state: State of the phase, for the epoch.
        phase: Key of the phase.
        last_epoch: Number of the last epoch of the run.
        disable: Whether nothing is shown; None where there is no terminal.
    """

    def __init__(
        self,
        pace: Pace,
        training_state: TrainingState,
        phase: str,
        last_epoch: int,
        disable: bool | None = None,
    ) -> None:
        self.pace = pace
        self.training_state = training_state
        self.phase = phase
        self.last_epoch = last_epoch
        self.disable = disable
        self._bar: tqdm[Any] | None = None

    def attach(self, engine: Engine) -> None:
        """Register for every epoch and every step."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._open)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._close)

    def _open(self, engine: Engine) -> None:
        number = self.training_state.epoch_of(engine.state.epoch)
        self._bar = tqdm(
            desc=epoch_name(number, self.last_epoch, self.phase),
            total=engine.state.epoch_length,
            initial=engine.state.iteration % engine.state.epoch_length,
            unit="step",
            bar_format="{desc}: {percentage:3.0f}%|{bar:20}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]",
            leave=False,
            disable=self.disable,
        )

    def __call__(self, engine: Engine) -> None:
        """Move the bar on by a step."""
        if self._bar is not None:
            self._bar.set_postfix_str(f"run: about {duration(self.pace.seconds_left(engine))} left", refresh=False)
            self._bar.update()

    def _close(self, engine: Engine) -> None:
        if self._bar is not None:
            self._bar.close()


class ProgressLines:
    """Log where a run stands, at most once in an interval: for a file, in which a bar would be noise.

    Args:
        pace: Pace of the phase.
        training_state: State of the phase, for the epoch.
        phase: Key of the phase.
        last_epoch: Number of the last epoch of the run.
        interval: Least time between two lines, or a line and the start of an epoch, in seconds.
        clock: Clock in seconds that never goes back.
    """

    def __init__(
        self,
        pace: Pace,
        training_state: TrainingState,
        phase: str,
        last_epoch: int,
        interval: float = 60.0,
        clock: Clock = time.monotonic,
    ) -> None:
        self.pace = pace
        self.training_state = training_state
        self.phase = phase
        self.last_epoch = last_epoch
        self.interval = interval
        self.clock = clock
        self._last = 0.0

    def attach(self, engine: Engine) -> None:
        """Register for every epoch and every step."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._begin_epoch)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def _begin_epoch(self, engine: Engine) -> None:
        self._last = self.clock()

    def __call__(self, engine: Engine) -> None:
        """Log a line if one is due; the end of an epoch has a line of its own."""
        step = (engine.state.iteration - 1) % engine.state.epoch_length + 1
        if step == engine.state.epoch_length or self.clock() - self._last < self.interval:
            return
        self._last = self.clock()
        logger.info(
            "%s  step %d of %d  about %s per epoch, %s left of the run",
            epoch_name(self.training_state.epoch_of(engine.state.epoch), self.last_epoch, self.phase),
            step,
            engine.state.epoch_length,
            duration(self.pace.seconds_per_epoch(engine)),
            duration(self.pace.seconds_left(engine)),
        )
