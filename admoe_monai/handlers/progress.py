"""Progress within an epoch: a bar on a terminal, now and then a line in a file."""

from __future__ import annotations

import logging
from typing import Any

from ignite.engine import Engine, Events
from tqdm import tqdm

from .pace import Pace, duration

logger = logging.getLogger(__name__)


class EpochBar:
    """Show a bar for each epoch, with what is left of the run.

    ignite's ProgressBar numbers epochs from 1 within the phase, while checkpoints, metrics.csv and the log number them from 0
    over both.

    Args:
        pace: Pace of the phase.
        disable: Whether nothing is shown; None where there is no terminal.
    """

    def __init__(self, pace: Pace, disable: bool | None = None) -> None:
        self.pace = pace
        self.disable = disable
        self._bar: tqdm[Any] | None = None

    def attach(self, engine: Engine) -> None:
        """Register for every epoch and every step."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._open)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._close)

    def _open(self, engine: Engine) -> None:
        self._bar = tqdm(
            desc=self.pace.epoch_name(engine),
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
        interval: Least time between two lines, or a line and the start of an epoch, in seconds.
    """

    def __init__(self, pace: Pace, interval: float = 60.0) -> None:
        self.pace = pace
        self.interval = interval
        self._last = 0.0

    def attach(self, engine: Engine) -> None:
        """Register for every epoch and every step."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._begin_epoch)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def _begin_epoch(self, engine: Engine) -> None:
        self._last = self.pace.clock()

    def __call__(self, engine: Engine) -> None:
        """Log a line if one is due; the end of an epoch has a line of its own."""
        step = (engine.state.iteration - 1) % engine.state.epoch_length + 1
        if step == engine.state.epoch_length or self.pace.clock() - self._last < self.interval:
            return
        self._last = self.pace.clock()
        logger.info(
            "%s  step %d of %d  about %s per epoch, %s left of the run",
            self.pace.epoch_name(engine),
            step,
            engine.state.epoch_length,
            duration(self.pace.seconds_per_epoch(engine)),
            duration(self.pace.seconds_left(engine)),
        )
