"""The files of a run directory are told by their names."""

from __future__ import annotations

from pathlib import Path

import pytest
from monai.bundle import ConfigParser

from admoe_monai.run_files import (
    BEST_FINETUNE,
    BEST_MODEL,
    BEST_PRETRAIN,
    FINAL_MODEL,
    INTERRUPT,
    checkpoint_files,
    periodic,
    periodic_epoch,
)
from admoe_monai.workflows.settings.resources import resource


@pytest.mark.parametrize(
    ("name", "epoch"),
    [
        ("checkpoint_epoch_10.pth", 10),
        ("checkpoint_epoch_x.pth", None),
        ("checkpoint_epoch_1.pt", None),
        ("10.pth", None),
        ("best_checkpoint_epoch_1.pth", None),
        ("a.pth", None),
    ],
)
def test_a_periodic_file_is_told_by_its_name(name: str, epoch: int | None) -> None:
    assert periodic_epoch(Path(name)) == epoch


def test_a_foreign_file_is_no_checkpoint_of_the_run(tmp_path: Path) -> None:
    for name in ("swin.pth", "final_model.pth", "checkpoint_epoch_3.pth", "checkpoint_epoch_3.pth.tmp"):
        (tmp_path / name).write_text("")
    assert [path.name for path in checkpoint_files(tmp_path)] == ["checkpoint_epoch_3.pth", "final_model.pth"]


@pytest.mark.parametrize("epoch", [0, 9, 1234])
def test_the_name_of_a_periodic_file_gives_its_epoch_back(epoch: int) -> None:
    assert periodic_epoch(Path("run", periodic(epoch))) == epoch


def test_every_kind_of_checkpoint_is_found(tmp_path: Path) -> None:
    names = {BEST_PRETRAIN, BEST_FINETUNE, BEST_MODEL, FINAL_MODEL, INTERRUPT, periodic(0), periodic(19)}
    for name in names:
        (tmp_path / name).write_text("")
    assert {path.name for path in checkpoint_files(tmp_path)} == names


@pytest.mark.parametrize(
    ("phase", "files"),
    [
        ("pretrain", {"lowest_loss": BEST_PRETRAIN}),
        ("finetune", {"lowest_loss": BEST_FINETUNE, "best_accuracy": BEST_MODEL}),
    ],
)
def test_the_phases_name_the_best_files_as_everybody_else(phase: str, files: dict[str, str]) -> None:
    config = ConfigParser.load_config_file(resource(f"bundle/configs/{phase}.yaml"))
    handler = config["+validate"]["handler"]
    assert {key.removesuffix("_file"): name for key, name in handler.items() if key.endswith("_file")} == files
