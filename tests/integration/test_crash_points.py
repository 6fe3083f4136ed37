"""Killed around any save, stopped by any signal at any step: what goes on ends as if it had never stopped."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Engine

from admoe_monai.handlers import StepSeed
from admoe_monai.handlers.interruption import SIGNALS
from admoe_monai.workflows import run_directory
from tiny_runs import make_run

# Six training visits by batches of two are three steps an epoch; the learning rate makes the best files change.
PLAN: dict[str, Any] = {"max_epochs": 5, "pretrain_epochs": 2, "batch_size": 2, "patience": 0, "base_lr": 1.0e-2}
STEPS = 15
# Periodic files, best ones of each phase, the final one; what improves when depends on the seed alone.
SAVES = 12
OF_THE_PROCESS = ("settings", "environment", "parent")


class Kill(BaseException):
    """Stands for SIGKILL: nothing in the package may catch it."""


@pytest.fixture(scope="module")
def whole(tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run."""
    return make_run(tmp_path_factory.mktemp("whole") / "run", tiny_cohort, **PLAN)


@pytest.fixture
def signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def kill_at_save(monkeypatch: pytest.MonkeyPatch, number: int, moment: str) -> None:
    """Kill the run once, half way through its n-th save or right after it."""
    write, saves = run_directory.write_checkpoint, []

    def writing(path: Path, contents: Any) -> None:
        saves.append(path)
        if len(saves) == number and moment == "within":
            path.with_name(path.name + ".tmp").write_bytes(b"half a file")
            raise Kill
        write(path, contents)
        if len(saves) == number:
            raise Kill

    monkeypatch.setattr(run_directory, "write_checkpoint", writing)


def signal_at_step(monkeypatch: pytest.MonkeyPatch, step: int, number: int) -> None:
    """Send the process a signal once, at the start of a step counted over the run from 1."""
    seed, steps = StepSeed.__call__, []

    def counting(self: StepSeed, engine: Engine) -> None:
        steps.append(engine.state.iteration)
        if len(steps) == step:
            os.kill(os.getpid(), number)
        seed(self, engine)

    monkeypatch.setattr(StepSeed, "__call__", counting)


def assert_same(one: Any, other: Any, where: str) -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key, value in one.items():
            assert_same(value, other[key], f"{where}/{key}")
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), where
        for number, pair in enumerate(zip(one, other, strict=True)):
            assert_same(*pair, f"{where}/{number}")
    else:
        assert one == other, where


def assert_same_files(made: Path, expected: Path) -> None:
    """All checkpoints are there, hold the same, and nothing else is left behind."""
    assert {path.name for path in made.glob("*.pth*")} == {path.name for path in expected.glob("*.pth")}
    for path in expected.glob("*.pth"):
        one, other = torch.load(made / path.name), torch.load(path)
        for key in OF_THE_PROCESS:
            one.pop(key), other.pop(key)
        assert_same(one, other, path.name)
    assert (made / "metrics.csv").read_text() == (expected / "metrics.csv").read_text()


def check_kill(
    monkeypatch: pytest.MonkeyPatch, folder: Path, datalist: Path, expected: Path, number: int, moment: str, **plan: Any
) -> None:
    """Kill a run at a save, resume it, and compare with the uninterrupted one."""
    with monkeypatch.context() as patch:
        kill_at_save(patch, number, moment)
        with pytest.raises(Kill):
            make_run(folder, datalist, **plan)
    make_run(folder, datalist, resume="auto", **plan)
    assert_same_files(folder, expected)


# The saves of this run: best and periodic ones of two epochs of pretraining, then the two best files of the first epoch
# of finetuning and its periodic one, and so on.
@pytest.mark.parametrize(("number", "moment"), [(1, "within"), (1, "after"), (3, "after"), (5, "after"), (6, "after")])
def test_a_kill_around_a_save_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_cohort: Path, whole: Path, number: int, moment: str
) -> None:
    check_kill(monkeypatch, tmp_path / "run", tiny_cohort, whole, number, moment, **PLAN)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["within", "after"])
@pytest.mark.parametrize("number", range(1, SAVES + 1))
def test_a_kill_around_every_save_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_cohort: Path, whole: Path, number: int, moment: str
) -> None:
    check_kill(monkeypatch, tmp_path / "run", tiny_cohort, whole, number, moment, **PLAN)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_kill_between_the_best_files_leaves_none_stale(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_cohort: Path, number: int
) -> None:
    # With rare periodic files, what auto goes on from is a best file.
    plan = {**PLAN, "save_interval": 10, "max_epochs": 3, "pretrain_epochs": 1}
    expected = make_run(tmp_path / "whole", tiny_cohort, **plan)
    check_kill(monkeypatch, tmp_path / "run", tiny_cohort, expected, number, "after", **plan)


def test_early_stop_of_pretraining_then_a_kill_goes_on_in_finetuning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_cohort: Path
) -> None:
    # Without a learning rate the loss does not fall, and the second validation exhausts the patience of one.
    plan = {**PLAN, "max_epochs": 6, "pretrain_epochs": 4, "patience": 1, "base_lr": 0.0, "min_lr": 0.0}
    expected = make_run(tmp_path / "whole", tiny_cohort, **plan)
    assert (expected / "checkpoint_epoch_1.pth").exists()
    assert not (expected / "checkpoint_epoch_2.pth").exists()
    assert (expected / "checkpoint_epoch_4.pth").exists()
    check_kill(monkeypatch, tmp_path / "run", tiny_cohort, expected, 3, "after", **plan)
    assert "- Starting from epoch: 4" in (tmp_path / "run" / "training.log").read_text()


@pytest.mark.parametrize(("before", "after"), [(2, 0), (0, 2)])
def test_a_signal_in_the_middle_of_an_epoch_and_another_number_of_workers_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
    signals: None,
    tmp_path: Path,
    tiny_cohort: Path,
    whole: Path,
    before: int,
    after: int,
) -> None:
    with monkeypatch.context() as patch:
        signal_at_step(patch, 8, signal.SIGUSR1)
        with pytest.raises(SystemExit) as left:
            make_run(tmp_path / "run", tiny_cohort, num_workers=before, **PLAN)
    assert left.value.code == 75
    make_run(tmp_path / "run", tiny_cohort, num_workers=after, resume="auto", **PLAN)
    assert_same_files(tmp_path / "run", whole)


def test_after_an_interruption_signals_are_received_as_before(
    monkeypatch: pytest.MonkeyPatch, signals: None, tmp_path: Path, tiny_cohort: Path
) -> None:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal_at_step(monkeypatch, 1, signal.SIGTERM)
    with pytest.raises(SystemExit):
        make_run(tmp_path / "run", tiny_cohort, **PLAN)
    assert {number: signal.getsignal(number) for number in SIGNALS} == before


@pytest.mark.slow
@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_signal_at_every_step_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, signals: None, tmp_path: Path, tiny_cohort: Path, whole: Path, step: int
) -> None:
    with monkeypatch.context() as patch:
        signal_at_step(patch, step, SIGNALS[step % len(SIGNALS)])
        with pytest.raises(SystemExit):
            make_run(tmp_path / "run", tiny_cohort, **PLAN)
    make_run(tmp_path / "run", tiny_cohort, resume="auto", **PLAN)
    assert_same_files(tmp_path / "run", whole)
