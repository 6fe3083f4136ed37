"""Which of the checkpoints in a folder a run goes on from."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from admoe_monai.checkpoints import (
    FINETUNE,
    read_checkpoint,
)
from admoe_monai.workflows.run.checkpoints_of import newest_valid

Alter = Callable[..., Path]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def test_newest_is_told_by_the_epoch_and_not_by_the_time(checkpoint: Alter) -> None:
    for epoch in (9, 10, 2):
        folder = checkpoint(f"checkpoint_epoch_{epoch}.pth", epoch=epoch, iteration=2 * epoch + 2)
    os.utime(folder / "checkpoint_epoch_10.pth", (0, 0))
    newest = newest_valid(folder)
    assert newest is not None
    assert (newest[0].name, newest[1]["epoch"]) == ("checkpoint_epoch_10.pth", 10)


def test_further_within_an_epoch_is_newer(checkpoint: Alter) -> None:
    checkpoint("checkpoint_epoch_3.pth", epoch=3, iteration=8)
    folder = checkpoint("interrupt_checkpoint.pth", epoch=3, iteration=9)
    newest = newest_valid(folder)
    assert newest is not None
    assert newest[0].name == "interrupt_checkpoint.pth"


def test_first_epoch_of_finetuning_is_newer_than_the_end_of_pretraining(checkpoint: Alter) -> None:
    checkpoint("checkpoint_epoch_0.pth")
    of_finetuning = {"is_pretrain": False, "phase": FINETUNE}
    folder = checkpoint("interrupt_checkpoint.pth", epoch=0, iteration=1, **of_finetuning)
    newest = newest_valid(folder)
    assert newest is not None
    assert newest[0].name == "interrupt_checkpoint.pth"


def test_damaged_checkpoint_is_skipped_and_named(checkpoint: Alter, caplog: pytest.LogCaptureFixture) -> None:
    checkpoint("checkpoint_epoch_1.pth", epoch=1, iteration=4)
    folder = checkpoint("checkpoint_epoch_2.pth", epoch=2, iteration=6)
    cut(folder / "checkpoint_epoch_2.pth")
    newest = newest_valid(folder)
    assert newest is not None
    assert newest[0].name == "checkpoint_epoch_1.pth"
    assert "Skipped: " in caplog.text
    assert "checkpoint_epoch_2.pth" in caplog.text


def test_flipped_bit_in_a_weight_is_not_resumed_from(checkpoint: Alter) -> None:
    checkpoint("checkpoint_epoch_1.pth", epoch=1, iteration=4)
    folder = checkpoint("checkpoint_epoch_2.pth", epoch=2, iteration=6)
    content = bytearray((folder / "checkpoint_epoch_2.pth").read_bytes())
    weights = read_checkpoint(folder / "checkpoint_epoch_2.pth")["model_state_dict"]
    largest = max(weights.values(), key=torch.Tensor.numel)
    # Between the members of the archive lie bytes that nothing depends on.
    content[content.index(largest.numpy().tobytes()) + 2 * largest.numel()] ^= 1
    (folder / "checkpoint_epoch_2.pth").write_bytes(content)
    newest = newest_valid(folder)
    assert newest is not None
    assert newest[0].name == "checkpoint_epoch_1.pth"


def test_foreign_file_is_not_looked_at(checkpoint: Alter, caplog: pytest.LogCaptureFixture) -> None:
    folder = checkpoint("checkpoint_epoch_1.pth", epoch=1, iteration=4)
    torch.save({"epoch": 99}, folder / "resnet.pth")
    newest = newest_valid(folder)
    assert newest is not None
    assert newest[0].name == "checkpoint_epoch_1.pth"
    assert not caplog.records


def test_folder_without_checkpoints_has_no_newest(tmp_path: Path) -> None:
    assert newest_valid(tmp_path) is None
    assert newest_valid(tmp_path / "absent") is None
