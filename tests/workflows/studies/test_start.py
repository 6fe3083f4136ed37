"""Snakemake over cells of a few words of shell: stopped ones are started again in their folder, done ones are left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from written_study import needs_snakemake

from admoe_monai.errors import UserError
from admoe_monai.workflows.studies import start
from admoe_monai.workflows.studies.cells import PLAN, Cell
from admoe_monai.workflows.studies.design import Arm
from admoe_monai.workflows.studies.start import alone, last_words, run_cells, snakemake


def make_plan(folder: Path, **scripts: str) -> dict[str, Cell]:
    """A cell per name, whose command is this script in the folder of the cells."""
    (folder / "cells").mkdir()
    cells = {name: Cell(Arm(name), 0, 1, folder, folder / "fold.json") for name in scripts}
    commands = {cells[name].name: f"cd {folder}/cells\n{script}" for name, script in scripts.items()}
    (folder / PLAN).write_text(json.dumps({"threads": 1, "cells": commands}))
    return cells


def test_without_snakemake_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="pip install snakemake"):
        snakemake()


def test_a_folder_that_cannot_be_written_to_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UserError, match=r"cannot make the folder .*file/study: Not a directory"),
        alone(tmp_path / "file" / "study"),
    ):
        pass
    (tmp_path / "study" / "study.lock").mkdir(parents=True)
    with (
        pytest.raises(UserError, match=r"cannot write .*study\.lock: Is a directory; make room or name another"),
        alone(tmp_path / "study"),
    ):
        pass


@needs_snakemake
def test_what_stops_with_75_goes_on_and_what_fails_is_left_open(tmp_path: Path) -> None:
    cells = make_plan(
        tmp_path,
        stopped="echo begun >> state; test $(wc -l < state) -gt 2 || exit 75",
        broken="echo reason > broken_fold1_seed1.log; exit 1",
        sound="echo once >> sound",
    )
    with alone(tmp_path) as lock:
        assert run_cells(tmp_path, [*cells.values()], lock, cores=1, retries=3) != 0
    assert {name: cell.marker.is_file() for name, cell in cells.items()} == {
        "stopped": True,
        "broken": False,
        "sound": True,
    }
    assert (tmp_path / "cells" / "state").read_text() == "begun\n" * 3
    assert last_words(cells["broken"]) == "reason"
    # Again: the two that are done are not started another time.
    (tmp_path / PLAN).write_text((tmp_path / PLAN).read_text().replace("exit 1", "true"))
    with alone(tmp_path) as lock:
        assert run_cells(tmp_path, [*cells.values()], lock, cores=1) == 0
    assert cells["broken"].marker.is_file()
    assert (tmp_path / "cells" / "sound").read_text() == "once\n"


def test_a_second_one_in_the_same_folder_is_turned_away(tmp_path: Path) -> None:
    refused = pytest.raises(UserError, match="is being worked on by another `admoe study`")
    with alone(tmp_path / "made"), refused, alone(tmp_path / "made"):
        pass
