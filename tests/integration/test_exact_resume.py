"""A run that goes on from any of its epochs, or from the middle of one, ends with the same bits."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Engine

from admoe_monai.handlers import Interruption
from admoe_monai.handlers.interruption import SIGNALS
from tiny_runs import make_run

PLAN: dict[str, Any] = {"max_epochs": 4, "pretrain_epochs": 2, "batch_size": 2, "patience": 0}
SLICES: dict[str, Any] = {"spatial_dims": 2, "in_channels": 3, "use_clinical_prior": False}
STATE = (
    "model_state_dict",
    "optimizer_state_dict",
    "scheduler_state_dict",
    "training_state",
    "best_val_acc",
    "iteration",
)


@pytest.fixture(scope="module", params=[3, 2], ids=["3d", "2d"])
def plan(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Any]]:
    """An uninterrupted run of two epochs of each phase, its datalist and its settings."""
    datalist: Path = request.getfixturevalue("tiny_cohort" if request.param == 3 else "tiny_cohort_2d")
    settings = {**PLAN, **(SLICES if request.param == 2 else {})}
    return make_run(tmp_path_factory.mktemp("exact") / "run", datalist, **settings), datalist, settings


@pytest.fixture
def signals() -> Iterator[None]:
    """Whatever a run leaves in place for signals is undone."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def assert_same(one: Any, other: Any, where: str = "") -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key, value in one.items():
            assert_same(value, other[key], f"{where}/{key}")
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), where
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            assert_same(left, right, f"{where}/{number}")
    else:
        assert one == other, where


def assert_same_run(made: Path, expected: Path, files: tuple[str, ...] = ("final_model.pth", "best_model.pth")) -> None:
    assert (made / "metrics.csv").read_text() == (expected / "metrics.csv").read_text()
    for name in files:
        one, other = torch.load(made / name), torch.load(expected / name)
        for key in STATE:
            assert_same(one[key], other[key], f"{name}/{key}")


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_a_run_resumed_after_any_epoch_ends_bit_equal(
    plan: tuple[Path, Path, dict[str, Any]], tmp_path: Path, epoch: int
) -> None:
    run, datalist, settings = plan
    made = make_run(tmp_path / "on", datalist, resume=str(run / f"checkpoint_epoch_{epoch}.pth"), **settings)
    assert_same_run(made, run)
    log = (made / "training.log").read_text()
    assert f"Loading from epoch {epoch}, phase: " in log
    assert f"Resumed from epoch {epoch + 1}" in log
    assert f"- Starting from epoch: {epoch + 1}" in log
    # At the switch there is nothing of the old phase's optimizer to take over.
    assert ("Scheduler state loaded from checkpoint" in log) == (epoch != 1)


@pytest.mark.parametrize("step", [2, 3, 8], ids=["in_pretraining", "at_an_epochs_end", "in_finetuning"])
def test_a_run_that_a_signal_ends_goes_on_bit_equal(
    plan: tuple[Path, Path, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    signals: None,
    step: int,
) -> None:
    run, datalist, settings = plan
    original, steps = Interruption._after_step, []

    def interrupted(self: Interruption, engine: Engine) -> None:
        steps.append(engine.state.iteration)
        if len(steps) == step:
            os.kill(os.getpid(), signal.SIGTERM)
        original(self, engine)

    monkeypatch.setattr(Interruption, "_after_step", interrupted)
    with pytest.raises(SystemExit) as left:
        make_run(tmp_path / "run", datalist, **settings)
    assert left.value.code == 75
    assert len(steps) == step
    saved = torch.load(tmp_path / "run" / "interrupt_checkpoint.pth")
    assert (saved["epoch"], saved["iteration"]) == {2: (-1, 2), 3: (0, 3), 8: (1, 2)}[step]
    monkeypatch.setattr(Interruption, "_after_step", original)
    made = make_run(tmp_path / "run", datalist, resume="auto", **settings)
    assert_same_run(made, run)
    assert not (made / "interrupt_checkpoint.pth").exists()


def test_another_number_of_workers_ends_bit_equal(plan: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    run, datalist, settings = plan
    # The last epoch only: workers cost seconds to start.
    made = make_run(tmp_path / "on", datalist, resume=str(run / "checkpoint_epoch_2.pth"), num_workers=2, **settings)
    assert_same_run(made, run)


def test_auto_goes_on_in_the_same_folder_and_forgets_no_row(
    plan: tuple[Path, Path, dict[str, Any]], tmp_path: Path
) -> None:
    run, datalist, settings = plan
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    # As a kill leaves it that comes after the last row was written and before the last files were.
    for name in ("checkpoint_epoch_3.pth", "final_model.pth"):
        (folder / name).unlink()
    for name in ("finetune_checkpoint.pth", "best_model.pth"):
        if torch.load(folder / name)["epoch"] == 3:
            shutil.copyfile(folder / "checkpoint_epoch_2.pth", folder / name)
    made = make_run(folder, datalist, resume="auto", **settings)
    assert_same_run(made, run)


def test_a_finished_run_is_left_alone(
    plan: tuple[Path, Path, dict[str, Any]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run, datalist, settings = plan
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with caplog.at_level("INFO"):
        make_run(folder, datalist, resume="auto", **settings)
    assert "is finished: nothing to resume" in caplog.text
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
