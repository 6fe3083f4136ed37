from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from admoe_monai.errors import UserError
from admoe_monai.workflows.run.run_directory import RunDirectory
from lock_holder import locked_by_another_process

TAKE_THE_LOCK = """
import fcntl, sys
try:
    fcntl.lockf(open(sys.argv[1], "a+"), fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    sys.exit(3)
"""


def test_a_hundred_runs_of_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    assert len({RunDirectory.fresh("micro", parent=tmp_path).path for _ in range(100)}) == 100


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    with locked_by_another_process(tmp_path), pytest.raises(UserError, match="is in use by another process"):
        RunDirectory(tmp_path).open()


def test_the_lock_is_held_until_the_directory_is_closed(tmp_path: Path) -> None:
    def taken_elsewhere() -> bool:
        command = [sys.executable, "-c", TAKE_THE_LOCK, str(tmp_path / "run.lock")]
        return subprocess.run(command, check=False).returncode == 0

    directory = RunDirectory(tmp_path)
    directory.open()
    assert not taken_elsewhere()
    directory.close()
    assert taken_elsewhere()


def test_opening_sweeps_what_a_kill_left_and_nothing_else(tmp_path: Path) -> None:
    for name in ("best_model.pth.0f1e2d3c.tmp", "metrics.csv.01234567.tmp", "best_model.pth", "notes.txt", "notes.tmp"):
        (tmp_path / name).write_text("")
    (tmp_path / "folder.tmp").mkdir()
    directory = RunDirectory(tmp_path)
    directory.open()
    directory.close()
    kept = {"best_model.pth", "notes.txt", "notes.tmp", "folder.tmp", "run.lock"}
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_a_place_that_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write to the run directory .*file/run"):
        RunDirectory(tmp_path / "file" / "run").open()
