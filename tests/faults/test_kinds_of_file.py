"""A run can go on from each kind of checkpoint, in both phases, and ends with the same bits."""

from __future__ import annotations

import logging
import shutil
import signal
from pathlib import Path

import pytest
import torch
from injection import signal_at_step
from whole_run import Whole

from run_comparison import assert_same_run

PRETRAIN_EPOCHS = 2


def check_continuation(whole: Whole, path: Path, folder: Path) -> str:
    """Go on from a file of the run in a new folder, compare the end, and return the log."""
    checkpoint = torch.load(path)
    epoch, is_pretrain = checkpoint["epoch"], checkpoint["is_pretrain"]
    whole.start(folder, resume=str(path))
    assert_same_run(folder, whole.folder, since=max(epoch, 0))
    log = (folder / "training.log").read_text()
    assert f"Loading from epoch {epoch}, phase: {checkpoint['phase']}" in log
    assert f"Resumed from epoch {epoch + 1}" in log
    assert f"- Starting from epoch: {epoch + 1}" in log
    assert ("Phase: Pretrain (SimMIM)" in log) == (is_pretrain and epoch < PRETRAIN_EPOCHS - 1)
    return log


# pretrain_epochs - 1 is the last epoch of pretraining: what comes next is the switch.
@pytest.mark.parametrize(
    "name",
    [
        "pretrain_checkpoint.pth",
        pytest.param("checkpoint_epoch_0.pth", marks=pytest.mark.faults),
        f"checkpoint_epoch_{PRETRAIN_EPOCHS - 1}.pth",
        "checkpoint_epoch_2.pth",
        "finetune_checkpoint.pth",
        "best_model.pth",
        "final_model.pth",
    ],
)
def test_a_run_goes_on_from_each_kind_of_file(whole: Whole, tmp_path: Path, name: str) -> None:
    log = check_continuation(whole, whole.folder / name, tmp_path / "on")
    # At the switch there is nothing of the old phase's optimizer to take over.
    at_the_switch = torch.load(whole.folder / name)["epoch"] == PRETRAIN_EPOCHS - 1
    assert ("Scheduler state loaded from checkpoint" in log) is not at_the_switch


@pytest.mark.parametrize("step", [pytest.param(2, marks=pytest.mark.faults), 10], ids=["pretraining", "finetuning"])
@pytest.mark.usefixtures("signals")
def test_a_run_goes_on_from_an_interrupt_file_in_a_new_folder(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    with monkeypatch.context() as patch:
        signal_at_step(patch, step, signal.SIGTERM)
        with pytest.raises(SystemExit):
            whole.start(tmp_path / "run")
    path = tmp_path / "run" / "interrupt_checkpoint.pth"
    whole.start(tmp_path / "on", resume=str(path))
    # A new folder takes along the best files and not the periodic ones.
    assert_same_run(tmp_path / "on", whole.folder, since=torch.load(path)["epoch"] + 1)


def test_a_finished_run_is_left_alone(each_whole: Whole, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = Path(shutil.copytree(each_whole.folder, tmp_path / "run"))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with caplog.at_level(logging.INFO):
        each_whole.resume(folder)
    assert "is finished: nothing to resume" in caplog.text
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_run_that_lacks_only_its_last_files_forgets_no_row(each_whole: Whole, tmp_path: Path) -> None:
    # As a kill leaves it that comes after the last row of metrics.csv and before the last files.
    folder = Path(shutil.copytree(each_whole.folder, tmp_path / "run"))
    for path in folder.glob("*.pth"):
        if torch.load(path)["epoch"] == 3:
            path.unlink()
    each_whole.resume(folder)
    assert_same_run(folder, each_whole.folder)
