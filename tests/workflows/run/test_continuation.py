"""A best file that is lost takes its score along: the next validation sets it anew."""

from __future__ import annotations

import logging
import math
import shutil
from pathlib import Path

import pytest

from admoe_monai.checkpoints import read_checkpoint
from admoe_monai.workflows.run.continuation import complete_files, missing_best
from admoe_monai.workflows.run.resume import ResumePoint
from tiny_runs import MICRO_PLAN, make_run


@pytest.fixture(scope="module")
def whole(tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs of each phase."""
    return make_run(tmp_path_factory.mktemp("whole") / "run", tiny_cohort, **MICRO_PLAN)


@pytest.fixture
def point(whole: Path, tmp_path: Path) -> ResumePoint:
    """The last epoch of a run whose best model is of the one before, in a folder that lacks both files of that epoch."""
    folder = Path(shutil.copytree(whole, tmp_path / "run"))
    path = folder / "checkpoint_epoch_3.pth"
    checkpoint = read_checkpoint(path)
    state = checkpoint["training_state"]
    checkpoint["best_val_acc"] = 0.75
    state |= {"best_val_acc": 0.75, "best_val_acc_epoch": 2, "best_val_acc_loss": 0.5}
    for name in ("best_model.pth", "checkpoint_epoch_2.pth", "final_model.pth"):
        (folder / name).unlink()
    return ResumePoint(checkpoint["settings"], path, checkpoint, folder)


def complete(point: ResumePoint) -> None:
    missing = missing_best(point.checkpoint, point.path.parent, point.folder)
    complete_files(point.checkpoint, missing, point.path.parent, point.folder, 1, point.phase_end)


def test_the_score_of_a_lost_file_is_forgotten_wherever_it_stands(
    point: ResumePoint, caplog: pytest.LogCaptureFixture
) -> None:
    lowest = point.checkpoint["training_state"]["best_loss"]
    with caplog.at_level(logging.WARNING):
        assert point.forget_lost(point.folder) == ["best_val_acc"]
    complete(point)
    state = point.checkpoint["training_state"]
    assert (state["best_val_acc"], state["best_val_acc_epoch"], state["best_val_acc_loss"]) == (0.0, -1, math.inf)
    assert point.checkpoint["best_val_acc"] == 0.0
    assert state["best_loss"] == lowest
    assert "best_model.pth of epoch 2 is no longer at hand" in caplog.text
    assert not (point.folder / "best_model.pth").exists()


def test_a_score_is_kept_where_a_periodic_file_holds_its_weights(whole: Path, point: ResumePoint) -> None:
    shutil.copyfile(whole / "checkpoint_epoch_2.pth", point.folder / "checkpoint_epoch_2.pth")
    assert point.forget_lost(point.folder) == []
    complete(point)
    assert point.checkpoint["best_val_acc"] == 0.75
    assert read_checkpoint(point.folder / "best_model.pth")["epoch"] == 2


def test_a_run_in_a_new_folder_takes_its_metrics_along_up_to_its_beginning(
    whole: Path, point: ResumePoint, tmp_path: Path
) -> None:
    path = whole / "checkpoint_epoch_1.pth"
    folder = tmp_path / "further"
    folder.mkdir()
    complete_files(read_checkpoint(path), {}, whole, folder, save_interval=1, phase_end=2)
    rows = (whole / "metrics.csv").read_text().splitlines()
    assert (folder / "metrics.csv").read_text().splitlines() == rows[:3]
    assert not list(folder.glob("*.tmp"))
