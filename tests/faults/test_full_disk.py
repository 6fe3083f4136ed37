"""A save that the operating system refuses stops the run with one line, and what was saved before stays whole."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from injection import fault_at_save, no_space, read_only, size_limit
from whole_run import Whole

from admoe_monai.checkpoints import CheckpointError, read_checkpoint
from admoe_monai.errors import UserError, user_error
from run_comparison import assert_same_run

REASONS = {
    no_space: "No space left on device",
    read_only: "Permission denied",
    size_limit: "",  # torch (2.15) says "unexpected pos" and not what the system said
}


def refuse_and_resume(whole: Whole, folder: Path, monkeypatch: pytest.MonkeyPatch, fault: Any, number: int) -> None:
    """Have the n-th save refused, check what is left, and go on once there is room."""
    with monkeypatch.context() as patch:
        fault_at_save(patch, number, fault)
        with pytest.raises(RuntimeError) as stop:
            whole.start(folder)
    mistake = user_error(stop.value)
    assert isinstance(mistake, CheckpointError)
    assert "could not save " in str(mistake)
    assert REASONS[fault] in str(mistake)
    assert "\n" not in str(mistake)
    assert f"Stopped: {mistake}" in (folder / "training.log").read_text()
    left = sorted(folder.glob("*.pth*"))
    assert len(left) == number - 1 or number > 2  # a best file may have been replaced
    assert all(read_checkpoint(path) for path in left)
    whole.resume(folder)
    assert_same_run(folder, whole.folder)


# The second save is the first epoch's periodic file, the sixth is in finetuning.
@pytest.mark.parametrize(("fault", "number"), [(no_space, 2), (read_only, 6), (size_limit, 7)])
def test_a_refused_save_leaves_what_the_run_can_go_on_from(
    whole_3d: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Any, number: int
) -> None:
    refuse_and_resume(whole_3d, tmp_path / "run", monkeypatch, fault, number)


@pytest.mark.faults
@pytest.mark.parametrize("fault", REASONS)
@pytest.mark.parametrize("number", range(2, 9))
def test_every_refused_save_leaves_what_the_run_can_go_on_from(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Any, number: int
) -> None:
    refuse_and_resume(whole, tmp_path / "run", monkeypatch, fault, number)


@pytest.mark.parametrize("name", ["metrics.csv", "starts.jsonl", "config.yaml", "datalist.json", "training.log"])
def test_a_file_that_can_t_be_written_before_the_first_step_is_one_line(
    name: str, whole_3d: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(whole_3d.folder, tmp_path / "run"))
    for path in folder.glob("*.pth"):
        if read_checkpoint(path)["epoch"] > 1:
            path.unlink()
    fsync = os.fsync

    def full(descriptor: int) -> None:
        if name in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        if name == "training.log":
            (folder / name).rename(tmp_path / name)
            (folder / name).mkdir()
        with pytest.raises(
            UserError, match=rf"^cannot write .*{name}.*: (No space left on device|Is a directory); make"
        ):
            whole_3d.resume(folder)
    if name == "training.log":
        (folder / name).rmdir()
    whole_3d.resume(folder)
    assert_same_run(folder, whole_3d.folder)
