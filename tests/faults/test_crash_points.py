"""Killed at any point around the writing of a file, a run goes on and ends as if it had never stopped."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from injection import Kill, kill_at_call, kill_at_save
from whole_run import Whole

from admoe_monai.files import write_atomic
from admoe_monai.workflows.run import continuation
from run_comparison import assert_same_run

# Of a checkpoint and, but for the first, of metrics.csv: within the writing, before the bytes are flushed, before the
# file takes its name, and before the folder is flushed. And around the removal of what a new file makes superfluous.
POINTS: list[Any] = [
    pytest.param(torch, "save", "within", id="within_the_writing"),
    pytest.param(os, "fsync", "before", id="before_the_flush"),
    pytest.param(os, "replace", "before", id="before_the_name"),
    pytest.param(os, "replace", "after", id="after_the_name"),
    pytest.param(os, "unlink", "before", id="before_a_removal"),
    pytest.param(os, "unlink", "after", id="after_a_removal"),
]


def is_killed(
    whole: Whole, folder: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, number: int, moment: str
) -> bool:
    """Start a run, kill it at the n-th call of a function, and compare what it ends with; False if there are fewer."""
    with monkeypatch.context() as patch:
        kill_at_call(patch, owner, name, number, moment)
        try:
            whole.start(folder)
        except Kill:
            pass
        else:
            return False
    whole.resume(folder)
    assert_same_run(folder, whole.folder)
    return True


def without(whole: Whole, epochs: list[int], folder: Path) -> Path:
    """A copy of the uninterrupted run that lacks the periodic files of these epochs."""
    copy = Path(shutil.copytree(whole.folder, folder / "whole"))
    for epoch in epochs:
        (copy / f"checkpoint_epoch_{epoch}.pth").unlink()
    return copy


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_a_kill_leaves_behind_what_was_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with monkeypatch.context() as patch:
        kill_at_call(patch, os, name, 1, "before")
        with pytest.raises(Kill):
            write_atomic(tmp_path / "a", "new")
    assert [path.suffix for path in tmp_path.iterdir()] == [".tmp"]


@pytest.mark.parametrize(
    ("owner", "name", "number", "moment"),
    [
        pytest.param(torch, "save", 1, "within", id="within_the_first_save"),
        pytest.param(os, "replace", 6, "before", id="before_a_name_at_the_switch"),
        pytest.param(os, "replace", 9, "after", id="after_a_name_in_finetuning"),
    ],
)
def test_a_kill_at_some_points_changes_nothing(
    whole_3d: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, number: int, moment: str
) -> None:
    assert is_killed(whole_3d, tmp_path / "run", monkeypatch, owner, name, number, moment)


@pytest.mark.faults
@pytest.mark.parametrize(("owner", "name", "moment"), POINTS)
def test_a_kill_at_every_point_changes_nothing(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, moment: str
) -> None:
    for number in itertools.count(1):
        if not is_killed(whole, tmp_path / str(number), monkeypatch, owner, name, number, moment):
            break
    # A save for each epoch and each best file, and the final one.
    assert number > 8


def test_a_kill_while_a_run_completes_its_files_changes_nothing(
    each_whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the first start of finetuning leaves after its first save: best_model.pth and the periodic file are to be made.
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        kill_at_call(patch, os, "replace", 1, "after", pattern="finetune_checkpoint.pth.*.tmp")
        with pytest.raises(Kill):
            each_whole.start(folder)
    for _ in range(2):
        with monkeypatch.context() as patch:
            kill_at_call(patch, continuation, "write_checkpoint", 1, "after")
            with pytest.raises(Kill):
                each_whole.resume(folder)
    each_whole.resume(folder)
    assert_same_run(folder, each_whole.folder)


@pytest.mark.parametrize(
    "moment", [pytest.param("before", marks=pytest.mark.faults), "after"], ids=["before_it", "after_it"]
)
def test_a_kill_at_the_removal_of_an_old_file_changes_nothing(
    each_whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    with monkeypatch.context() as patch:
        kill_at_call(patch, os, "unlink", 1, moment, pattern="checkpoint_epoch_*.pth")
        with pytest.raises(Kill):
            each_whole.start(tmp_path / "run", keep_checkpoints=2)
    each_whole.resume(tmp_path / "run", keep_checkpoints=2)
    assert_same_run(tmp_path / "run", without(each_whole, [0, 1], tmp_path))


def test_every_file_is_on_the_disk_before_it_has_its_name(
    each_whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, str]] = []
    fsync, replace = os.fsync, os.replace

    def recorded_fsync(descriptor: int) -> None:
        calls.append(("fsync", os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}"))))
        fsync(descriptor)

    def recorded_replace(source: Path, target: Path) -> None:
        calls.append(("replace", Path(target).name))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    each_whole.start(tmp_path / "run")
    checkpoints = [number for number, (call, name) in enumerate(calls) if call == "replace" and name.endswith(".pth")]
    assert {calls[number][1] for number in checkpoints} == {path.name for path in (tmp_path / "run").glob("*.pth")}
    for number in checkpoints:
        call, name = calls[number - 1]
        assert call == "fsync"
        assert Path(name).match(calls[number][1] + ".*.tmp")
        assert calls[number + 1] == ("fsync", "run")


def test_a_kill_between_files_with_rare_periodic_ones_leaves_none_stale(
    whole_3d: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With rare periodic files, what auto goes on from is a best file: the first of finetuning.
    with monkeypatch.context() as patch:
        kill_at_call(patch, os, "replace", 1, "after", pattern="finetune_checkpoint.pth.*.tmp")
        with pytest.raises(Kill):
            whole_3d.start(tmp_path / "run", save_interval=10)
    whole_3d.resume(tmp_path / "run", save_interval=10)
    assert_same_run(tmp_path / "run", without(whole_3d, [0, 2], tmp_path))


@pytest.mark.faults
def test_a_kill_after_every_save_with_rare_periodic_ones_leaves_none_stale(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = without(whole, [0, 2], tmp_path)
    for number in itertools.count(1):
        folder = tmp_path / str(number)
        with monkeypatch.context() as patch:
            kill_at_save(patch, number)
            try:
                whole.start(folder, save_interval=10)
            except Kill:
                pass
            else:
                break
        whole.resume(folder, save_interval=10)
        assert_same_run(folder, expected)
    assert number > 6
