"""A study from its file to its report, also killed on the way."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from written_study import needs_snakemake, write_folds, write_study

from admoe_monai.workflows.studies.cells import ADMOE
from page_checks import read_page

REPORT = ("report.html", "study.json")


def begin(study: Path, output: Path, *options: str) -> subprocess.Popen[str]:
    """Start the command in a process group of its own."""
    command = [sys.executable, "-c", ADMOE, "study", str(study), "--output", str(output), "--cores", "1", *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


@pytest.mark.slow
@needs_snakemake
def test_a_study_of_a_regression_ends_and_is_left_alone_when_done(tmp_path: Path, tiny_cohort: Path) -> None:
    write_folds(tmp_path, tiny_cohort)
    arms = {"age, sex": {"model": "regression"}}
    study, output = write_study(tmp_path, arms=arms), tmp_path / "out"
    said, _ = (first := begin(study, output)).communicate()
    assert first.returncode == 0, said
    assert "diagnosis: 9 test people (CN 3, MCI 3, AD 3), 2 folds" in said  # so few are counted
    before = {name: (output / name).read_bytes() for name in REPORT}
    marker = output / "cells" / "age-sex_fold1_seed1.done"
    written = marker.stat().st_mtime_ns
    said, _ = (again := begin(study, output)).communicate()
    assert again.returncode == 0, said
    assert marker.stat().st_mtime_ns == written
    assert {name: (output / name).read_bytes() for name in REPORT} == before
    read_page((output / "report.html").read_text())


@pytest.mark.slow
@needs_snakemake
def test_a_cell_that_fails_is_named_with_its_reason(tmp_path: Path, tiny_cohort: Path) -> None:
    write_folds(tmp_path, tiny_cohort)
    arms = {"age": {"model": "regression"}, "none": {"model": "regression", "settings": {"use_clinical_prior": False}}}
    said, _ = (run := begin(write_study(tmp_path, arms=arms), tmp_path / "out", "--retries", "0")).communicate()
    assert run.returncode == 1
    assert "error: 2 of 4 cells are not done; the same command goes on" in said
    assert "a regression needs clinical values, which use_clinical_prior: false takes away" in said
    assert "Traceback" not in said


@pytest.mark.slow
@needs_snakemake
def test_a_study_ends_with_one_report(tmp_path: Path, tiny_cohort: Path) -> None:
    write_folds(tmp_path, tiny_cohort)
    said, _ = (run := begin(write_study(tmp_path), tmp_path / "out")).communicate()
    assert run.returncode == 0, said
    found = json.loads((tmp_path / "out" / "study.json").read_text())
    assert [*found["figures"]["arms"]] == ["full", "image alone"]
    # Each fold has its own pretraining.
    for fold in (1, 2):
        assert (tmp_path / "out" / "cells" / f"full_fold{fold}_seed1" / "pretrain_checkpoint.pth").is_file()


@pytest.mark.slow
@needs_snakemake
def test_a_study_killed_at_any_time_ends_with_the_same_bytes(tmp_path: Path, tiny_cohort: Path) -> None:
    write_folds(tmp_path, tiny_cohort)
    study = write_study(tmp_path)
    said, _ = (whole := begin(study, tmp_path / "whole")).communicate()
    assert whole.returncode == 0, said
    kills, moments = 0, random.Random(0)
    while kills < int(os.environ.get("STUDY_KILLS", "5")):
        run = begin(study, tmp_path / "killed")
        try:
            run.wait(timeout=moments.uniform(5, 40))
            break
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            run.communicate()
            kills += 1
    assert kills
    said, _ = (last := begin(study, tmp_path / "killed")).communicate()
    assert last.returncode == 0, said
    for name in REPORT:
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
