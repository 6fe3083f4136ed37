"""What goes wrong in the middle of a run stops it with one line, and what was saved before stays whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from admoe_monai.checkpoints import CheckpointError, read_checkpoint, writer
from admoe_monai.losses import ClassificationLoss, SimMIMLoss
from admoe_monai.workflows.entry import user_error
from admoe_monai.workflows.resources import resource
from tiny_runs import TINY_SETTINGS, make_run


@pytest.mark.parametrize(("loss", "epoch"), [(SimMIMLoss, 1), (ClassificationLoss, 3)], ids=["pretrain", "finetune"])
def test_a_loss_that_is_not_finite_stops_the_run_and_reaches_no_checkpoint(
    loss: Any, epoch: int, tiny_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward, calls = loss.forward, []

    def broken(self: Any, *args: Any) -> torch.Tensor:
        calls.append(torch.is_grad_enabled())
        # The second epoch's first step: two steps of training an epoch, and validation in between.
        return forward(self, *args) * (float("nan") if calls.count(True) == 3 and calls[-1] else 1.0)

    monkeypatch.setattr(loss, "forward", broken)
    with pytest.raises(RuntimeError) as stop:
        make_run(tmp_path / "run", tiny_cohort, max_epochs=4, pretrain_epochs=2, patience=0)
    message = str(user_error(stop.value))
    assert "the loss is nan" in message
    assert "sub-" in message
    assert f"checkpoint_epoch_{epoch - 1}.pth" in {path.name for path in (tmp_path / "run").glob("*.pth")}
    assert not (tmp_path / "run" / f"checkpoint_epoch_{epoch}.pth").exists()
    for path in (tmp_path / "run").glob("*.pth"):
        weights = read_checkpoint(path)["model_state_dict"].values()
        assert all(weight.isfinite().all() for weight in weights if weight.is_floating_point())
    assert "Stopped: the loss is nan" in (tmp_path / "run" / "training.log").read_text()


def test_a_full_disk_stops_the_run_and_leaves_what_it_can_go_on_from(
    tiny_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make_run(tmp_path / "whole", tiny_cohort)
    save, saves = torch.save, []

    def full(contents: Any, file: Any) -> None:
        saves.append(file)
        if len(saves) == 4:
            raise OSError(28, os.strerror(28))
        save(contents, file)

    with monkeypatch.context() as patch:
        patch.setattr(writer.torch, "save", full)
        with pytest.raises(RuntimeError) as stop:
            make_run(tmp_path / "run", tiny_cohort)
    assert isinstance(user_error(stop.value), CheckpointError)
    assert "No space left on device" in str(user_error(stop.value))
    assert not list((tmp_path / "run").glob("*.tmp"))
    make_run(tmp_path / "run", tiny_cohort, resume="auto")
    made, expected = (read_checkpoint(folder / "final_model.pth") for folder in (tmp_path / "run", whole))
    assert all(torch.equal(w, expected["model_state_dict"][n]) for n, w in made["model_state_dict"].items())


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_signal_to_all_processes_is_answered_with_a_checkpoint(
    workers: int, tiny_cohort: Path, tmp_path: Path
) -> None:
    settings = {**TINY_SETTINGS, "datalist": tiny_cohort, "run_dir": tmp_path / "run", "num_workers": workers}
    settings |= {"max_epochs": 400, "pretrain_epochs": 200, "patience": 0, "batch_size": 1}
    command = [sys.executable, "-m", "monai.bundle", "run", "training", "--config_file", resource("configs/train.yaml")]
    for name, value in settings.items():
        command += [f"--{name}", str(value)]
    with open(tmp_path / "output", "w") as output:
        run = subprocess.Popen(list(map(str, command)), stdout=output, stderr=output, start_new_session=True)
        while not (tmp_path / "run" / "checkpoint_epoch_2.pth").exists():
            assert run.poll() is None, (tmp_path / "output").read_text()
            time.sleep(0.1)
        # Schedulers and terminals signal the whole group, loader workers included.
        os.killpg(run.pid, signal.SIGTERM)
        assert run.wait(timeout=60) == 75
    assert "Traceback" not in (tmp_path / "output").read_text()
    assert (tmp_path / "run" / "interrupt_checkpoint.pth").exists()
