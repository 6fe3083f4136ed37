"""`admoe runs` as it is typed."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from admoe_monai.cli.main import app
from admoe_monai.errors import UserError


def output(*words: object) -> str:
    result = CliRunner().invoke(app, ["runs", *map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_folder_of_all_runs_goes_without_saying(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_run, tmp_path / "checkpoints" / "tiny")
    assert output().splitlines()[1].split()[:4] == ["tiny", "finished", "finetune", "2/2"]
    # Between two listings a second may pass.
    listings = {re.sub(r"\d+ s ago", "", output(*words)) for words in (["list"], [], ["checkpoints"])}
    assert len(listings) == 1


def test_a_program_reads_json(tiny_run: Path) -> None:
    (run,) = json.loads(output(tiny_run, "--json"))
    assert (run["state"], run["epoch"], run["folder"]) == ("finished", 1, str(tiny_run))
    assert run["best_val_acc"].keys() == {"value", "epoch"}


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    assert output(tmp_path) == f"no run in {tmp_path}\n"


def test_two_runs_are_compared(tiny_run: Path, tmp_path: Path) -> None:
    other = shutil.copytree(tiny_run, tmp_path / "other")
    assert output("compare", tiny_run, other).startswith(f"A: {tiny_run}\nB: {other}\n")
    assert json.loads(output("compare", tiny_run, other, "--json"))["same_datalist"] is True


def test_a_command_that_is_nearly_one_is_no_folder() -> None:
    with pytest.raises(UserError, match=r"did you mean `admoe runs compare`?"):
        output("compar", "a", "b")
