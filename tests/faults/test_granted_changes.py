"""A change of the plan that was granted stays granted, though a kill comes before the first save under it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from injection import Kill, kill_at_call
from whole_run import Whole

from admoe_monai.checkpoints import IncompatibleCheckpointError
from admoe_monai.workflows.run.plan import Plan
from admoe_monai.workflows.run.run import Run
from admoe_monai.workflows.settings.declared import parser_of
from run_comparison import assert_same_run

CHANGES = {"max_epochs": 5, "extend_max_epochs": True, "batch_size": 3, "force_resume": True}


def resume_by_own_config(folder: Path, **changes: object) -> None:
    Plan(parser_of([folder / "config.yaml"], {"resume": "auto", **changes}), folder).run()


def test_a_kill_before_the_first_save_takes_no_grant_back(
    each_whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, folder = (Path(shutil.copytree(each_whole.folder, tmp_path / name)) for name in ("expected", "run"))
    each_whole.resume(expected, **CHANGES)
    with monkeypatch.context() as patch:
        kill_at_call(patch, Run, "to_its_end", 1, "before")
        with pytest.raises(Kill):
            each_whole.resume(folder, **CHANGES)
    for further, said in (({"max_epochs": 6}, "max_epochs 4, not 6"), ({"batch_size": 1}, "batch_size 2, not 1")):
        with pytest.raises(IncompatibleCheckpointError, match=said):
            resume_by_own_config(folder, **further)
    resume_by_own_config(folder)
    assert_same_run(folder, expected)


def test_what_another_state_was_granted_is_no_grant(
    each_whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(each_whole.folder, tmp_path / "run"))
    with monkeypatch.context() as patch:
        kill_at_call(patch, Run, "to_its_end", 1, "before")
        with pytest.raises(Kill):
            each_whole.resume(folder, **CHANGES)
    for name in ("checkpoint_epoch_3.pth", "finetune_checkpoint.pth", "best_model.pth", "final_model.pth"):
        (folder / name).unlink()
    with pytest.raises(IncompatibleCheckpointError, match=r"max_epochs 4, not 5.*--extend_max_epochs True"):
        resume_by_own_config(folder)
