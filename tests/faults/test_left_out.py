"""Every item that a checkpoint restores matters: without it the comparison with the whole run fails."""

from __future__ import annotations

import math
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from injection import signal_at_step
from monai.engines import SupervisedTrainer
from torch import nn
from whole_run import Whole

from admoe_monai.checkpoints import read_checkpoint, write_checkpoint
from admoe_monai.data import EpochSampler
from admoe_monai.handlers import TrainingState
from admoe_monai.networks.nets import remove_decoder
from admoe_monai.workflows.run import restore, resume
from run_comparison import run_differences

# In the middle of the last epoch.
STEP, EPOCH = 11, 2
# Scores that no later validation beats, so that forgetting one of them is not made good by the next.
UNBEATABLE = {
    "best_loss": 0.0,
    "best_loss_epoch": EPOCH,
    "best_val_acc": 1.0,
    "best_val_acc_epoch": EPOCH,
    "best_val_acc_loss": 0.0,
    "validations_without_improvement": 5,
}
STATE = [*UNBEATABLE, "sums", "count"]


@pytest.fixture(scope="module")
def source(each_whole: Whole, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was interrupted in the middle of an epoch; its best scores are unbeatable."""
    folder = tmp_path_factory.mktemp("interrupted") / "run"
    with pytest.MonkeyPatch.context() as patch:
        signal_at_step(patch, STEP, signal.SIGTERM)
        with pytest.raises(SystemExit):
            each_whole.start(folder)
    change_state(folder, UNBEATABLE)
    return folder


def change_state(folder: Path, changes: Mapping[str, Any]) -> None:
    checkpoint = read_checkpoint(folder / "interrupt_checkpoint.pth")
    checkpoint["training_state"] |= changes
    write_checkpoint(folder / "interrupt_checkpoint.pth", checkpoint)


@pytest.fixture(scope="module")
def expected(each_whole: Whole, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the run ends with when everything is restored."""
    return each_whole.resume(Path(shutil.copytree(source, tmp_path_factory.mktemp("expected") / "run")))


def nothing(*_: Any) -> None:
    """Restores nothing."""


def leave_out_weights(patch: pytest.MonkeyPatch) -> None:
    def without(network: nn.Module, checkpoint: Mapping[str, Any]) -> None:
        remove_decoder(network)

    patch.setattr(resume, "restore_network", without)


def leave_out_optimizer(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(torch.optim.AdamW, "load_state_dict", nothing)


def leave_out_schedule(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(restore, "_restore_schedule", nothing)


def leave_out_position(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SupervisedTrainer, "load_state_dict", nothing)


def leave_out_place_in_the_epoch(patch: pytest.MonkeyPatch) -> None:
    set_position = EpochSampler.set_position
    patch.setattr(EpochSampler, "set_position", lambda self, epoch, start=0: set_position(self, epoch))


def leave_out_state(patch: pytest.MonkeyPatch, name: str) -> None:
    load = TrainingState.load_state_dict

    def without(self: TrainingState, state: Mapping[str, Any]) -> None:
        load(self, {**state, name: TrainingState().state_dict()[name]})

    patch.setattr(TrainingState, "load_state_dict", without)


def test_restoring_everything_equals_itself(each_whole: Whole, source: Path, expected: Path, tmp_path: Path) -> None:
    # The control: what follows would otherwise differ for another reason.
    made = each_whole.resume(Path(shutil.copytree(source, tmp_path / "run")))
    assert run_differences(made, expected) == []


@pytest.mark.parametrize(
    "leave_out",
    [
        leave_out_weights,
        leave_out_optimizer,
        leave_out_schedule,
        leave_out_position,
        leave_out_place_in_the_epoch,
    ],
)
def test_a_left_out_item_shows(
    each_whole: Whole,
    source: Path,
    expected: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    leave_out: Callable[[pytest.MonkeyPatch], None],
) -> None:
    leave_out(monkeypatch)
    made = each_whole.resume(Path(shutil.copytree(source, tmp_path / "run")))
    assert run_differences(made, expected)


@pytest.mark.parametrize(
    "name", [name if name in ("best_loss", "count") else pytest.param(name, marks=pytest.mark.faults) for name in STATE]
)
def test_a_left_out_entry_of_the_training_state_shows(
    each_whole: Whole, source: Path, expected: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    leave_out_state(monkeypatch, name)
    made = each_whole.resume(Path(shutil.copytree(source, tmp_path / "run")))
    assert run_differences(made, expected)


def test_a_left_out_early_stop_shows(
    each_whole: Whole, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(source, tmp_path / "source"))
    change_state(folder, {"stopped_early": True})
    expected = each_whole.resume(Path(shutil.copytree(folder, tmp_path / "expected")))
    leave_out_state(monkeypatch, "stopped_early")
    assert run_differences(each_whole.resume(folder), expected)


def test_no_entry_of_the_training_state_is_forgotten_here() -> None:
    assert {*STATE, "stopped_early"} == TrainingState().state_dict().keys()
    assert math.isinf(TrainingState().best_loss)
