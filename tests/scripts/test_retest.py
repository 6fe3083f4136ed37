"""Two scans of one session: found by their names, predicted, and held against each other."""

from __future__ import annotations

import re
import runpy
import shutil
import sys
from pathlib import Path

import pytest

from documented_commands import ROOT
from tiny_runs import write_scan

SCRIPT = str(ROOT / "scripts" / "studies" / "retest.py")


def scan(folder: Path, name: str, seed: int, axes: int = 3) -> Path:
    subject, session = name.split("_")[:2]
    return write_scan(folder / subject / session / "anat" / f"{name}_T1w.nii.gz", seed, axes)


def retest(monkeypatch: pytest.MonkeyPatch, *words: object) -> str | None:
    monkeypatch.setattr(sys, "argv", ["retest.py", *map(str, words), "--device", "cpu"])
    try:
        runpy.run_path(SCRIPT, run_name="__main__")
    except SystemExit as left:
        return str(left.code)
    return None


@pytest.mark.parametrize("axes", [2, 3])
def test_the_same_scan_twice_agrees_and_leaves_nothing_behind(
    axes: int,
    tiny_run: Path,
    tiny_run_2d: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number in range(10):
        first = scan(tmp_path / "bids", f"sub-{number:02}_ses-1_run-1", number, axes)
        shutil.copy(first, first.with_name(first.name.replace("run-1", "run-2")))
    files = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert retest(monkeypatch, {2: tiny_run_2d, 3: tiny_run}[axes], tmp_path / "bids") is None
    out = capsys.readouterr().out
    assert "10 people, two scans of one session each; logit of AD minus that of CN" in out
    assert "ICC(2,1) 1.000" in out
    assert "called the same twice: 10 of 10" in out
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == files


def test_scans_of_other_people_do_not_agree(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(10):
        scan(tmp_path, f"sub-{number:02}_ses-1_run-1", number)
        scan(tmp_path, f"sub-{number:02}_ses-1_run-2", 100 + number)
    assert retest(monkeypatch, tiny_run, tmp_path) is None
    found = re.search(r"ICC\(2,1\) (-?\d\.\d+) \[", capsys.readouterr().out)
    assert found
    assert float(found[1]) < 0.9


def test_one_session_of_each_subject_is_taken_and_single_scans_are_not(tmp_path: Path) -> None:
    for name in ("sub-a_ses-2_run-1", "sub-a_ses-2_run-2", "sub-a_ses-1_run-01", "sub-a_ses-1_run-02"):
        scan(tmp_path, name, 0)
    for name in ("sub-b_ses-1_acq-x_run-1", "sub-b_ses-1_acq-x_run-2", "sub-c_ses-1_run-1", "sub-d_ses-1"):
        scan(tmp_path, name, 0)
    pairs = runpy.run_path(SCRIPT)["find_pairs"](tmp_path)
    assert [pair[:2] for pair in pairs] == [("sub-a", "ses-1"), ("sub-b", "ses-1")]
    assert pairs[0][2].name == "sub-a_ses-1_run-01_T1w.nii.gz"


def test_what_can_not_be_compared_is_said_in_one_line(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "has 0 subjects with two scans of one session" in str(retest(monkeypatch, tiny_run, tmp_path))
    for number in range(2):
        scan(tmp_path, f"sub-{number}_ses-1_run-1", number)
        scan(tmp_path, f"sub-{number}_ses-1_run-2", number)
    assert "has no task 'sex': it has diagnosis, change" in str(
        retest(monkeypatch, tiny_run, tmp_path, "--task", "sex")
    )
    assert "is not a run directory" in str(retest(monkeypatch, tmp_path, tmp_path))
