"""A checkpoint of format version 1 is continued by every later version of the package.

format_v1/*.json is what the format's version 1 holds for a micro run, but for the numbers in its tensors: those are filled
in here by a formula. What belongs to the machine and to the cohort (environment, digests) is that of the test. The files of
volumes lack `leakage` and `pretraining_subjects`, which version 1 gained later; those of slices have them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from admoe_monai.checkpoints import read_checkpoint
from run_comparison import differences
from tiny_runs import make_run

RESTORED = (
    "epoch", "iteration", "epoch_length", "model_state_dict", "optimizer_state_dict", "scheduler_state_dict",
    "parameter_names", "training_state", "best_val_acc", "is_pretrain", "phase", "decoder_removed",
)  # fmt: skip


def filled(shape: list[int], start: int) -> torch.Tensor:
    """Small numbers of both signs, other ones for every tensor."""
    count = torch.Size(shape).numel()
    return (torch.sin(torch.arange(start, start + count, dtype=torch.float64)) / 50).float().reshape(shape)


def version_1(phase: str, each_run: Path, cohort: dict[str, Any]) -> dict[str, Any]:
    """The whole content of a file after the first epoch of a phase of two, in plain Python and tensors."""
    name = f"{phase}_2d.json" if "spatial_dims" in cohort else f"{phase}.json"
    contents: dict[str, Any] = json.loads((Path(__file__).parent / "format_v1" / name).read_text())
    shapes, names = contents["model_state_dict"], contents["parameter_names"]
    contents["model_state_dict"] = {name: filled(shape, number) for number, (name, shape) in enumerate(shapes.items())}
    contents["optimizer_state_dict"]["state"] = {
        number: {
            "step": torch.tensor(3.0),
            "exp_avg": filled(shapes[names[number]], 100 + number),
            "exp_avg_sq": filled(shapes[names[number]], 200 + number).square(),
        }
        for number in contents["optimizer_state_dict"]["state"]
    }
    here = read_checkpoint(each_run / "final_model.pth")
    return {**contents, "environment": here["environment"], "digests": here["digests"], "parent": None}


def go_on(contents: dict[str, Any], folder: Path, cohort: dict[str, Any]) -> Path:
    """Save the content as version 1 does and resume from it."""
    folder.mkdir()
    path = folder / f"checkpoint_epoch_{contents['epoch']}.pth"
    torch.save(contents, path)
    return make_run(folder, **{**cohort, **contents["settings"], "run_dir": str(folder), "resume": "auto"})


@pytest.mark.parametrize("phase", ["pretrain", "finetune"])
def test_a_phase_of_version_1_trains_on(
    phase: str, each_run: Path, each_cohort: dict[str, Any], tmp_path: Path
) -> None:
    contents = version_1(phase, each_run, each_cohort)
    folder = go_on(contents, tmp_path / "run", each_cohort)
    log = (folder / "training.log").read_text()
    assert f"Resumed from epoch {contents['epoch'] + 1}" in log
    assert "Optimizer state loaded from checkpoint" in log
    assert "Scheduler state loaded from checkpoint" in log
    final = read_checkpoint(folder / "final_model.pth")
    assert (final["epoch"], final["iteration"], final["phase"]) == (contents["epoch"] + 1, 6, contents["phase"])


@pytest.mark.parametrize("phase", ["pretrain", "finetune"])
def test_everything_in_version_1_arrives(
    phase: str, each_run: Path, each_cohort: dict[str, Any], tmp_path: Path
) -> None:
    # At the end of its phase a run has nothing left to do but to save the state that it has restored.
    contents = version_1(phase, each_run, each_cohort)
    contents["epoch"], contents["iteration"] = contents["epoch"] + 1, 6
    contents["scheduler_state_dict"]["last_epoch"] = 6
    for score in ("best_loss", "best_val_acc") if phase == "finetune" else ("best_loss",):
        contents["training_state"][f"{score}_epoch"] = contents["epoch"]
    folder = go_on(contents, tmp_path / "run", each_cohort)
    final = read_checkpoint(folder / "final_model.pth")
    for key in RESTORED:
        assert list(differences(final[key], contents[key], key)) == []
    assert {*contents.get("pretraining_subjects", [])} <= {*final["pretraining_subjects"]}
