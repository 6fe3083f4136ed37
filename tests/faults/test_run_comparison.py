"""What the other tests rest on: two runs that differ in one bit, file or row are told apart, and broken promises counted."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from whole_run import Whole

from admoe_monai.checkpoints import read_checkpoint, write_checkpoint
from run_comparison import run_differences

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "faults"))
from tally import Kill, Tally


def last_bit(tensor: torch.Tensor) -> None:
    """Change the last bit of the first number (float32)."""
    tensor.view(-1)[:1].view(torch.int32).bitwise_xor_(1)


def a_weight(contents: dict[str, Any]) -> None:
    last_bit(next(iter(contents["model_state_dict"].values())))


def a_moment(contents: dict[str, Any]) -> None:
    last_bit(next(iter(contents["optimizer_state_dict"]["state"].values()))["exp_avg"])


def a_rate(contents: dict[str, Any]) -> None:
    contents["optimizer_state_dict"]["param_groups"][0]["lr"] *= 1 + 2**-52


def the_schedule(contents: dict[str, Any]) -> None:
    contents["scheduler_state_dict"]["last_epoch"] += 1


def a_score(contents: dict[str, Any]) -> None:
    contents["training_state"]["best_loss"] *= 1 + 2**-52


def the_subjects(contents: dict[str, Any]) -> None:
    contents["pretraining_subjects"].pop()


def the_leaks(contents: dict[str, Any]) -> None:
    contents["leakage"].append("a leak")


@pytest.fixture
def copy(whole_3d: Whole, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole_3d.folder, tmp_path / "run"))


def test_a_run_equals_its_copy(whole_3d: Whole, copy: Path) -> None:
    assert run_differences(copy, whole_3d.folder) == []


@pytest.mark.parametrize("change", [a_weight, a_moment, a_rate, the_schedule, a_score, the_subjects, the_leaks])
@pytest.mark.parametrize("name", ["checkpoint_epoch_0.pth", "best_model.pth"])
def test_the_smallest_change_of_a_file_shows(
    whole_3d: Whole, copy: Path, name: str, change: Callable[[dict[str, Any]], None]
) -> None:
    contents = read_checkpoint(copy / name)
    change(contents)
    write_checkpoint(copy / name, contents)
    assert len(run_differences(copy, whole_3d.folder)) == 1


def test_files_that_are_lost_torn_or_left_behind_show(whole_3d: Whole, copy: Path) -> None:
    (copy / "best_model.pth").unlink()
    (copy / "final_model.pth").write_bytes((copy / "final_model.pth").read_bytes()[:-1])
    (copy / "checkpoint_epoch_1.pth.tmp").touch()
    found = run_differences(copy, whole_3d.folder)
    assert len(found) == 3
    for name in ("best_model.pth", "final_model.pth", "checkpoint_epoch_1.pth.tmp"):
        assert sum(name in line for line in found) == 1


def test_another_row_of_the_metrics_shows(whole_3d: Whole, copy: Path) -> None:
    metrics = copy / "metrics.csv"
    metrics.write_text(metrics.read_text().replace("3", "4", 1))
    assert run_differences(copy, whole_3d.folder) == ["metrics.csv"]


def tally(**broken: Any) -> Tally:
    """Of one run that was killed once."""
    kill = Kill(0, "save", 1.0, "pretrain", 1, 2, "checkpoint_epoch_0.pth")
    for name in broken.keys() & {"repeated", "torn"}:
        setattr(kill, name, broken.pop(name))
    return Tally([kill], starts=2, **{"differences": [[]], **broken})


def test_a_campaign_that_broke_nothing_has_held() -> None:
    assert tally(repeated=1).holds(save_interval=1)


@pytest.mark.parametrize(
    "broken", [{"repeated": 2}, {"torn": 1}, {"differences": [[], ["metrics.csv"]]}, {"strays": ["a.pth.tmp"]}]
)
def test_a_campaign_that_broke_a_promise_has_not_held(broken: dict[str, Any]) -> None:
    assert not tally(**broken).holds(save_interval=1)
