"""SIGTERM, SIGINT and SIGUSR1 as events of the run: finish the step, save, leave."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from ignite.engine import Engine, Events

from .checkpoint_saver import CheckpointSaver

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
# 75 is EX_TEMPFAIL of sysexits.h: try again. A scheduler can requeue on it.
EXIT_INTERRUPTED = 75


class Interrupted(SystemExit):
    """A signal ended the run after its state was saved."""


class Interruption:
    """Save `interrupt_checkpoint.pth` after the step under way and exit with `EXIT_INTERRUPTED`.

    A second signal exits at once. A step ends where gradients have been applied, so accumulation is finished first.

    Args:
        saver: of the phase.
        file: name of the checkpoint within the run directory.
        accumulation_steps: micro-steps per step of the optimizer.
    """

    def __init__(
        self, saver: CheckpointSaver, file: str = "interrupt_checkpoint.pth", accumulation_steps: int = 1
    ) -> None:
        self.saver = saver
        self.file = file
        self.accumulation_steps = accumulation_steps
        self.received: int | None = None
        self._previous: dict[int, Any] = {}

    def attach(self, engine: Engine) -> None:
        """Register; signal handlers are in place from the start of the run to its end."""
        engine.add_event_handler(Events.STARTED, self._install)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._after_step)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._after_epoch)
        for event in (Events.COMPLETED, Events.EXCEPTION_RAISED):
            engine.add_event_handler(event, self._restore)

    def _install(self) -> None:
        handler: Callable[[int, FrameType | None], None] = self._receive
        for number in SIGNALS:
            self._previous[number] = signal.signal(number, handler)

    def _restore(self, *_: Any) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}
        # Listening to EXCEPTION_RAISED swallows the exception unless it is raised again.
        error = _[-1] if _ and isinstance(_[-1], BaseException) else None
        if error is not None:
            raise error

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            sys.exit(128 + number)
        self.received = number

    def _after_step(self, engine: Engine) -> None:
        step = (engine.state.iteration - 1) % engine.state.epoch_length + 1
        # The end of an epoch is left to _after_epoch: the validation and its saves belong to it.
        if self.received is not None and step < engine.state.epoch_length and step % self.accumulation_steps == 0:
            self._leave(engine)

    def _after_epoch(self, engine: Engine) -> None:
        if self.received is not None:
            self._leave(engine)

    def _leave(self, engine: Engine) -> None:
        self.saver.save(engine, self.file)
        name = signal.Signals(self.received or 0).name
        logger.info(
            "%s received: state saved in %s at epoch %d of the phase, step %d of %d; continue with --resume auto",
            name,
            self.file,
            engine.state.epoch,
            (engine.state.iteration - 1) % engine.state.epoch_length + 1,
            engine.state.epoch_length,
        )
        self._restore()
        raise Interrupted(EXIT_INTERRUPTED)
