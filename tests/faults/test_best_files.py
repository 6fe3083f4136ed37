"""Best scores, best files and patience after a kill are those of the whole history."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from injection import Kill, kill_at_call, kill_at_step
from whole_run import Whole

from run_comparison import assert_same_run

# Without a learning rate no loss falls, so that the first validation of a phase stays the best and patience runs out.
STANDSTILL: dict[str, Any] = {
    "max_epochs": 8, "pretrain_epochs": 4, "patience": 1, "base_lr": 0.0, "min_lr": 0.0, "batch_size": 3
}  # fmt: skip
STEPS_PER_EPOCH = 2


def history(folder: Path, phase: str, column: str) -> dict[int, float]:
    """A column of metrics.csv over the epochs of a phase."""
    with open(folder / "metrics.csv", newline="") as file:
        return {int(row["epoch"]): float(row[column]) for row in csv.DictReader(file) if row["phase"] == phase}


def assert_best_files_match_the_history(folder: Path) -> None:
    for phase, name in (("pretrain", "pretrain_checkpoint.pth"), ("finetune", "finetune_checkpoint.pth")):
        losses = history(folder, phase, "val_loss")
        best = torch.load(folder / name)
        assert best["epoch"] == min(losses, key=losses.__getitem__)
        assert best["training_state"]["best_loss"] == min(losses.values())
    best = torch.load(folder / "best_model.pth")
    assert best["best_val_acc"] == max(history(folder, "finetune", "val_balanced_accuracy").values())


def test_best_files_of_an_uninterrupted_run_match_its_history(whole: Whole) -> None:
    assert_best_files_match_the_history(whole.folder)


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("best_model.pth.*.tmp", "before"),
        pytest.param("best_model.pth.*.tmp", "after", marks=pytest.mark.faults),
        pytest.param("finetune_checkpoint.pth.*.tmp", "before", marks=pytest.mark.faults),
        pytest.param("finetune_checkpoint.pth.*.tmp", "after", marks=pytest.mark.faults),
        pytest.param("pretrain_checkpoint.pth.*.tmp", "before", marks=pytest.mark.faults),
        pytest.param("pretrain_checkpoint.pth.*.tmp", "after", marks=pytest.mark.faults),
    ],
)
def test_a_kill_around_an_improvement_forgets_no_best_score(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, moment: str
) -> None:
    with monkeypatch.context() as patch:
        kill_at_call(patch, os, "replace", 1, moment, pattern=name)
        with pytest.raises(Kill):
            whole.start(tmp_path / "run")
    whole.resume(tmp_path / "run")
    assert_best_files_match_the_history(tmp_path / "run")
    assert_same_run(tmp_path / "run", whole.folder)


@pytest.fixture(scope="module")
def stopped(each_cohort: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A run in which the second validation of each phase exhausts the patience of one."""
    return Whole.make(tmp_path_factory.mktemp("stopped") / "run", **each_cohort, **STANDSTILL)


def test_a_phase_that_stops_early_ends_with_a_checkpoint(stopped: Whole) -> None:
    periodic = {path.name for path in stopped.folder.glob("checkpoint_epoch_*.pth")}
    assert periodic == {f"checkpoint_epoch_{epoch}.pth" for epoch in (0, 1, 4, 5)}


# In the first epoch of a phase, in the one that exhausts its patience, and in the first one after the switch.
@pytest.mark.parametrize(
    "epochs_done", [pytest.param(0, marks=pytest.mark.faults), 1, pytest.param(2, marks=pytest.mark.faults), 3]
)
def test_a_kill_before_an_early_stop_leaves_patience_where_it_was(
    stopped: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epochs_done: int
) -> None:
    with monkeypatch.context() as patch:
        kill_at_step(patch, epochs_done * STEPS_PER_EPOCH + 1)
        with pytest.raises(Kill):
            stopped.start(tmp_path / "run")
    stopped.resume(tmp_path / "run")
    assert_same_run(tmp_path / "run", stopped.folder)


def test_a_kill_after_an_early_stop_of_pretraining_goes_on_in_finetuning(
    stopped: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        kill_at_call(patch, os, "replace", 1, "after", pattern="checkpoint_epoch_1.pth.*.tmp")
        with pytest.raises(Kill):
            stopped.start(tmp_path / "run")
    stopped.resume(tmp_path / "run")
    assert_same_run(tmp_path / "run", stopped.folder)
    assert "- Starting from epoch: 4" in (tmp_path / "run" / "training.log").read_text()
