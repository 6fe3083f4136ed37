"""What a signal does to a run: it is answered after the step, with a file."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.queues import Queue
from threading import Condition

import pytest
from ignite.engine import Engine
from monai.engines.utils import IterationEvents

from admoe_monai.errors import UserError
from admoe_monai.handlers import Interrupted, Interruption, Signals, TrainingState


def engine_of(step=lambda engine, batch: None) -> Engine:
    engine = Engine(step)
    engine.register_events(*IterationEvents)
    return engine


class Saver:
    def __init__(self) -> None:
        self.names: list[str] = []
        self.training_state = TrainingState()

    def save(self, engine: Engine, name: str) -> None:
        self.names.append(name)


def under(signals: Signals, run: Callable[[], object], deferred: bool = True) -> None:
    with signals:
        if deferred:
            signals.defer()
        run()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_a_signal_saves_after_the_step_and_exits(number: int) -> None:
    steps: list[int] = []

    def step(engine: Engine, batch: int) -> None:
        steps.append(batch)
        if batch == 1:
            os.kill(os.getpid(), number)

    saver, engine = Saver(), engine_of(step)
    before = signal.getsignal(number)
    signals = Signals()
    Interruption(saver, signals).attach(engine)
    with pytest.raises(Interrupted) as left:
        under(signals, lambda: engine.run(range(4)))
    assert (steps, saver.names, left.value.code) == ([0, 1], ["interrupt_checkpoint.pth"], 75)
    assert signal.getsignal(number) is before


def test_a_signal_waits_for_the_accumulated_gradient() -> None:
    steps: list[int] = []

    def step(engine: Engine, batch: int) -> None:
        steps.append(batch)
        if batch == 0:
            os.kill(os.getpid(), signal.SIGTERM)

    engine, signals = engine_of(step), Signals()
    Interruption(Saver(), signals, accumulation_steps=2).attach(engine)
    with pytest.raises(Interrupted):
        under(signals, lambda: engine.run(range(4)))
    assert steps == [0, 1]


def test_a_signal_leaves_at_once_as_long_as_nothing_is_deferred() -> None:
    reached: list[int] = []

    def run() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        reached.append(1)

    with pytest.raises(Interrupted) as left:
        under(Signals(), run, deferred=False)
    assert (reached, left.value.code) == ([], 75)


class TakenWithASignal:
    """The condition of a queue, during whose taking a signal comes."""

    def __init__(self, condition: Condition) -> None:
        self.condition, self.sent = condition, False

    def __enter__(self) -> None:
        self.condition.acquire()
        if not self.sent:
            self.sent = True
            os.kill(os.getpid(), signal.SIGTERM)

    def __exit__(self, *error: object) -> None:
        self.condition.release()

    def notify(self) -> None:
        self.condition.notify()


@pytest.mark.parametrize("lasting", [True, False])
def test_a_signal_within_a_queue_to_workers_leaves_its_lock_free(lasting: bool) -> None:
    # Otherwise the interpreter waits for the lock for ever when it gets rid of the queue.
    queue: Queue[int] = multiprocessing.Queue()
    queue.put(0)
    condition = queue._notempty  # type: ignore[attr-defined]
    queue._notempty = TakenWithASignal(condition)  # type: ignore[attr-defined]
    before = signal.getsignal(signal.SIGTERM)

    def put() -> None:
        queue.put(1)
        if lasting:
            time.sleep(60)

    with pytest.raises(Interrupted):
        under(Signals(), put, deferred=False)
    assert condition.acquire(blocking=False)
    condition.release()
    assert signal.getsignal(signal.SIGTERM) is before
    queue._notempty = condition  # type: ignore[attr-defined]
    assert [queue.get(), queue.get()] == [0, 1]


def test_a_signal_that_nobody_has_answered_is_answered_at_the_end() -> None:
    reached: list[int] = []

    def run() -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        reached.append(1)

    with pytest.raises(Interrupted) as left:
        under(Signals(), run)
    assert (reached, left.value.code) == ([1], 75)


def test_a_signal_does_not_hide_the_error_that_ends_a_run() -> None:
    def run() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        raise UserError("disk full")

    with pytest.raises(UserError, match="disk full"):
        under(Signals(), run)


def test_a_second_signal_leaves_at_once() -> None:
    before, reached = signal.getsignal(signal.SIGTERM), []

    def run() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        reached.append(1)
        os.kill(os.getpid(), signal.SIGTERM)
        reached.append(2)

    with pytest.raises(SystemExit) as left:
        under(Signals(), run)
    assert (reached, left.value.code) == ([1], 128 + signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
