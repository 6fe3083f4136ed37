"""SIGTERM, SIGINT and SIGUSR1 as events of the run: finish the step, save, leave."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
from multiprocessing import queues
from threading import Timer
from types import FrameType, TracebackType
from typing import Any

from ignite import distributed as idist
from ignite.engine import Engine, Events

from admoe_monai.run_files import INTERRUPT

from .acting_last import act_last
from .checkpoint_saver import CheckpointSaver

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
# 75 is EX_TEMPFAIL of sysexits.h: try again. A scheduler can requeue on it.
EXIT_INTERRUPTED = 75
#: Seconds after which a signal that came at a bad moment is sent again.
AGAIN = 0.01


class Interrupted(SystemExit):
    """A signal ended the run at a point from which it goes on exactly."""

    def __init__(self) -> None:
        super().__init__(EXIT_INTERRUPTED)


class Signals:
    """Receiver of the signals that end a run, whatever the run is doing; a context manager around all of it.

    Until `defer` is called nothing has been written and a signal ends the run at once. From then on it is noted, and
    answered at the next point at which the files are complete: `Interruption` within a phase, the plan between
    phases, this class at the very end. A second signal exits at once.

    Attributes:
        received: Signal that has come.
        ahead: Words on how the run goes on after a signal that was answered with a checkpoint.
    """

    def __init__(self) -> None:
        self.ahead = "continue it with --resume auto"
        self.received: signal.Signals | None = None
        self._deferred = False
        self._again: Timer | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Signals:
        self._previous = {number: signal.signal(number, self._receive) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.received is not None and not self._deferred:
            _end_workers()
        if self._again is not None:  # all has come to its end before the signal came again
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            self._again.cancel()
            self._again.join()
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if self.received is None or not (error is None or isinstance(error, Interrupted)):
            return
        ahead = self.ahead if self._deferred else "nothing was written"
        logger.info("%s ended the run; %s", self.received.name, ahead)
        if error is None:
            raise Interrupted

    def defer(self) -> None:
        """Note signals from now on instead of leaving at once."""
        self._deferred = True

    def leave_if_received(self) -> None:
        """Leave if a signal has come; to be called where the newest checkpoint on the disk is that of this moment.

        Raises:
            Interrupted: With exit code `EXIT_INTERRUPTED`.
        """
        if self.came():
            raise Interrupted

    def came(self) -> bool:
        """Tell whether a signal has come to any process of the run, all of which ask at the same places."""
        if idist.get_world_size() > 1 and idist.all_reduce(int(self.received is not None)) and self.received is None:
            self.received = signal.SIGTERM
        return self.received is not None

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self._again is None and self.received is not None:
            sys.exit(128 + number)
        self.received = signal.Signals(number)
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._deferred:
            return
        if not _puts_into_a_queue(frame):
            raise Interrupted
        self._again = Timer(AGAIN, os.kill, (os.getpid(), number))
        self._again.start()


def _puts_into_a_queue(frame: FrameType | None) -> bool:
    """Tell whether the main thread is within a queue to its workers, whose lock an error at the wrong moment leaves taken.

    The interpreter would wait for that lock for ever, when it gets rid of the queue. Taking something from a queue may last,
    and leaves nothing behind.
    """
    while frame is not None:
        if frame.f_code.co_filename == queues.__file__ and frame.f_code.co_name != "get":
            return True
        frame = frame.f_back
    return False


def _end_workers() -> None:
    """Kill the workers of a loader that a signal has kept from starting all of them.

    Nobody tells these to stop, and the interpreter would wait for them for ever: they leave SIGTERM to the main process.
    """
    # A loader (torch 2.15) raises an error in the main process when a worker of it is killed.
    before = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for worker in multiprocessing.active_children():
        worker.kill()
        worker.join()
    signal.signal(signal.SIGCHLD, before)


class Interruption:
    """Save a checkpoint after the step in which a signal came and leave.

    A step ends where gradients have been applied, so accumulation is finished first.

    Args:
        saver: Saver of the phase.
        signals: Signals of the run.
        file: Name of the checkpoint within the run directory.
        accumulation_steps: Number of batches per step of the optimizer.
    """

    def __init__(
        self,
        saver: CheckpointSaver,
        signals: Signals,
        file: str = INTERRUPT,
        accumulation_steps: int = 1,
    ) -> None:
        self.saver = saver
        self.signals = signals
        self.file = file
        self.accumulation_steps = accumulation_steps

    def attach(self, engine: Engine) -> None:
        """Register for the end of every step and epoch."""
        act_last(engine, Events.ITERATION_COMPLETED, self._after_step)
        act_last(engine, Events.EPOCH_COMPLETED, self._after_epoch)

    def _after_step(self, engine: Engine) -> None:
        step = (engine.state.iteration - 1) % engine.state.epoch_length + 1
        # The end of an epoch is left to _after_epoch: the validation and its saves belong to it.
        if step < engine.state.epoch_length and step % self.accumulation_steps == 0:
            self._leave_if_received(engine)

    def _after_epoch(self, engine: Engine) -> None:
        self._leave_if_received(engine)

    def _leave_if_received(self, engine: Engine) -> None:
        if not self.signals.came():
            return
        self.saver.save(engine, self.file)
        # The first process to leave has torchrun end the others.
        idist.barrier()
        logger.info(
            "%s received: state saved in %s in epoch %d, step %d of %d",
            self.signals.received.name if self.signals.received else "",
            self.file,
            self.saver.training_state.epoch_of(engine.state.epoch),
            (engine.state.iteration - 1) % engine.state.epoch_length + 1,
            engine.state.epoch_length,
        )
        self.signals.leave_if_received()
