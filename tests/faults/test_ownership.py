"""A run directory belongs to one process at a time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from injection import at_step
from whole_run import Whole

from admoe_monai.errors import UserError
from admoe_monai.workflows.run.run_directory import RunDirectory
from lock_holder import locked_by_another_process
from run_comparison import assert_same_run

REFUSED = 3


def open_elsewhere(folder: Path) -> int:
    """Open the directory in a copy of this process, and return its exit status."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            RunDirectory(folder).open()
            status = 0
        except UserError:
            status = REFUSED
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.faults)])
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")  # Python 3.12
def test_a_second_process_is_refused_while_a_run_is_under_way(
    each_whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    statuses = []
    at_step(monkeypatch, 5, lambda: statuses.append(open_elsewhere(tmp_path / "run")))
    each_whole.start(tmp_path / "run", num_workers=workers)
    assert statuses == [REFUSED]
    assert_same_run(tmp_path / "run", each_whole.folder)
    assert open_elsewhere(tmp_path / "run") == 0


def test_a_run_does_not_start_in_the_folder_of_another_process(whole_3d: Whole, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    with locked_by_another_process(folder), pytest.raises(UserError, match="is in use by another process"):
        whole_3d.resume(folder)
    assert [path.name for path in folder.iterdir()] == ["run.lock"]
