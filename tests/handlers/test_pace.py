"""Time that a run takes and has left, by a clock that the test sets."""

from __future__ import annotations

import io
import sys

import pytest
from ignite.engine import Engine, Events

from admoe_monai.handlers import EpochBar, Pace, ProgressLines, TrainingState, duration

LENGTH = 4


class Trainer:
    """Engine of which each step takes some seconds and sees two scans, and each validation takes five."""

    def __init__(self, seconds: float, first_epoch: int = 0) -> None:
        self.now, self.seconds = 1000.0, seconds
        self.state = TrainingState(first_epoch)
        self.engine = Engine(self._step)
        self.engine.add_event_handler(Events.EPOCH_STARTED, self.state.begin_epoch)

    def clock(self) -> float:
        return self.now

    def _step(self, engine: Engine, batch: int) -> None:
        self.now += self.seconds
        self.state.add({"loss": 1.0}, 2)

    def pace(self, num_epochs: int, steps_to_follow: int = 0) -> Pace:
        return Pace(self.state, "finetune", num_epochs, 6, steps_to_follow, self.clock)

    def validate(self) -> None:
        self.now += 5.0

    def run(self, epochs: int, steps_done: int = 0) -> None:
        self.engine.load_state_dict({"iteration": steps_done, "epoch_length": LENGTH, "max_epochs": epochs})
        self.engine.run(range(LENGTH), max_epochs=epochs)


def test_time_left_is_that_of_the_phases_to_follow_too() -> None:
    trainer, left = Trainer(10.0), []
    pace = trainer.pace(num_epochs=3, steps_to_follow=8)
    pace.attach(trainer.engine)
    trainer.engine.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: left.append(pace.seconds_left(engine)))
    trainer.run(3)
    assert left == [160.0, 120.0, 80.0]


def test_steps_before_a_resume_took_no_time_of_this_process() -> None:
    trainer, left = Trainer(10.0), []
    pace = trainer.pace(num_epochs=2)
    pace.attach(trainer.engine)
    trainer.engine.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: left.append(pace.seconds_left(engine)))
    trainer.run(2, steps_done=5)
    assert left == [20.0, 10.0, 0.0]


def test_what_is_prepared_before_the_first_epoch_is_no_part_of_an_epoch() -> None:
    trainer = Trainer(1.0)
    trainer.engine.add_event_handler(Events.STARTED, lambda: setattr(trainer, "now", trainer.now + 500.0))
    pace = trainer.pace(num_epochs=1)
    pace.attach(trainer.engine)
    trainer.run(1)
    assert pace.seconds_per_epoch(trainer.engine) == 4.0


def test_an_epoch_lasts_through_its_validation_but_scans_are_those_of_training() -> None:
    trainer = Trainer(0.5)
    trainer.engine.add_event_handler(Events.EPOCH_COMPLETED, trainer.validate)
    trainer.pace(num_epochs=2).attach(trainer.engine)
    trainer.run(2)
    assert trainer.engine.state.metrics == {"seconds_per_epoch": 7.0, "scans_per_second": 4.0}


def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "admoe_monai.handlers.progress"]


@pytest.mark.parametrize(
    ("seconds", "steps"),
    [(61.0, [1, 2, 3]), (30.0, [2]), (25.0, [3]), (1.0, [])],
    ids=["slow", "half", "less", "quick"],
)
def test_a_line_comes_at_most_once_a_minute(seconds: float, steps: list[int], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    trainer = Trainer(seconds, first_epoch=5)
    pace = trainer.pace(num_epochs=2)
    pace.attach(trainer.engine)
    ProgressLines(pace).attach(trainer.engine)
    trainer.run(2)
    expected = [f"Epoch {epoch} of 6 [finetune]  step {step} of 4" for epoch in (5, 6) for step in steps]
    assert [message.partition("  about")[0] for message in lines_of(caplog)] == expected


def test_a_line_tells_the_time_of_an_epoch_and_of_the_run(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    trainer = Trainer(90.0)
    pace = trainer.pace(num_epochs=1, steps_to_follow=40)
    pace.attach(trainer.engine)
    ProgressLines(pace).attach(trainer.engine)
    trainer.run(1)
    assert lines_of(caplog)[0].endswith("  about 6 min 0 s per epoch, 1 h 4 min left of the run")


def test_the_bar_numbers_epochs_as_the_log_does(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    trainer = Trainer(60.0, first_epoch=5)
    pace = trainer.pace(num_epochs=2)
    pace.attach(trainer.engine)
    EpochBar(pace, disable=False).attach(trainer.engine)
    trainer.run(2)
    assert "Epoch 5 of 6 [finetune]:   0%" in shown.getvalue()
    assert "Epoch 6 of 6 [finetune]:" in shown.getvalue()


def test_there_is_no_bar_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    trainer = Trainer(60.0)
    pace = trainer.pace(num_epochs=2)
    pace.attach(trainer.engine)
    EpochBar(pace).attach(trainer.engine)
    trainer.run(2)
    assert shown.getvalue() == ""


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (3600, "1 h 0 min")])
def test_durations_are_said_in_two_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said
