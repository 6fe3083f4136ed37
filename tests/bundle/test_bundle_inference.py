"""An exported bundle, run as its users run it."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from monai.bundle import ConfigWorkflow

from admoe_monai.transforms import LoadScan
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of, predict
from tiny_runs import inference_arguments

Rows = list[dict[str, str]]


def read(path: Path) -> Rows:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def run_inference(bundle: Path, scans: Path, output: Path, **overrides: object) -> tuple[Rows, Rows]:
    """What the command line does, in this process and without its warning about configs as code.

    The made-up scans are no brains, so that volumes are not screened unless a test says so.
    """
    if "screening" in json.loads((bundle / "configs/inference.json").read_text()):
        overrides = {"screening": False, **overrides}
    workflow = ConfigWorkflow(
        config_file=str(bundle / "configs/inference.json"),
        workflow_type="inference",
        run_id="inference",
        logging_file=False,
        bundle_root=str(bundle),
        dataset_dir=str(scans),
        output_dir=str(output),
        device="cpu",
        **overrides,
    )
    workflow.initialize()
    workflow.run()
    return read(output / "predictions.csv"), read(output / "errors.csv")


def write_prior_table(run: TrainedRun, path: Path) -> Path:
    visits = cohort_of(run).splits["test"]
    lines = [f"{v['subject_id']},{v['prior']['age'] or 'n/a'},{v['prior']['sex']}" for v in visits]
    path.write_text("\n".join(["subject_id,age,sex", *lines]) + "\n")
    return path


def assert_same_probabilities(rows: Rows, run: TrainedRun) -> None:
    expected = predict(run, cohort_of(run), "test", "cpu")
    by_subject = {row["subject_id"]: row for row in rows}
    for task in ("diagnosis", "change"):
        columns = expected.columns(task)
        exported = [[float(by_subject[subject][name]) for name in columns] for subject in expected.frame["subject_id"]]
        np.testing.assert_allclose(exported, expected.probabilities(task), atol=1e-5, rtol=0)


@pytest.mark.parametrize("batch_size", [1, 5])
def test_probabilities_are_those_of_the_run(bundle: Path, tiny_run: Path, tmp_path: Path, batch_size: int) -> None:
    run = TrainedRun.load(tiny_run)
    table = write_prior_table(run, tmp_path / "prior.csv")
    scans = cohort_of(run).dataset_dir
    rows, errors = run_inference(bundle, scans, tmp_path / "out", prior_table=str(table), batch_size=batch_size)
    assert (len(rows), errors) == (12, [])
    assert_same_probabilities(rows, run)


def test_probabilities_of_slices_are_those_of_the_run(bundle_2d: Path, tiny_run_2d: Path, tmp_path: Path) -> None:
    run = TrainedRun.load(tiny_run_2d)
    rows, errors = run_inference(bundle_2d, cohort_of(run).dataset_dir, tmp_path / "out")
    assert (len(rows), errors) == (12, [])
    assert_same_probabilities(rows, run)


def test_prior_changes_the_probabilities(bundle: Path, tiny_run: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    table = write_prior_table(TrainedRun.load(tiny_run), tmp_path / "prior.csv")
    without, _ = run_inference(bundle, tiny_cohort.parent, tmp_path / "without")
    given, _ = run_inference(bundle, tiny_cohort.parent, tmp_path / "given", prior_table=str(table))
    test_subject = next(i for i, row in enumerate(given) if row["subject_id"] == "sub-09")
    assert given[test_subject]["p_diagnosis_CN"] != without[test_subject]["p_diagnosis_CN"]
    assert (given[test_subject]["flags"], without[test_subject]["flags"]) == ("", "prior_absent")
    assert next(row["flags"] for row in given if row["subject_id"] == "sub-11") == "prior_missing:age"


def test_broken_scans_stop_none_of_the_others(bundle: Path, make_scan: Callable[..., Path], tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    make_scan(scans / "b" / "good.nii.gz", 1)
    make_scan(scans / "also_good.nii", 2)
    whole = make_scan(scans / "truncated.nii.gz", 3).read_bytes()
    (scans / "truncated.nii.gz").write_bytes(whole[: len(whole) // 2])
    (scans / "text.mgz").write_text("no image")
    for name, array in {
        "empty": np.zeros((8, 8, 8)), "nan": np.full((8, 8, 8), np.nan),
        "four_d": np.arange(2048.0).reshape(8, 8, 8, 4),
    }.items():  # fmt: skip
        nib.save(nib.Nifti1Image(array.astype(np.float32), np.eye(4)), scans / f"{name}.nii.gz")
    (scans / "gone.nii.gz").symlink_to(tmp_path / "nowhere.nii.gz")
    rows, errors = run_inference(bundle, scans, tmp_path / "out", batch_size=3)
    assert [row["scan"] for row in rows] == ["also_good.nii", "b/good.nii.gz"]
    assert {row["scan"] for row in errors} == {
        "truncated.nii.gz", "text.mgz", "empty.nii.gz", "nan.nii.gz", "four_d.nii.gz", "gone.nii.gz",
    }  # fmt: skip
    assert all(row["error"] and "\n" not in row["error"] and str(tmp_path) not in row["error"] for row in errors)


def test_a_run_that_is_stopped_goes_on_where_it_was(
    bundle: Path, tiny_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run_inference(bundle, tiny_cohort.parent, tmp_path / "whole")
    read_whole, opened = LoadScan.__call__, []

    def stopped_after_five(self: LoadScan, path: str) -> object:
        opened.append(path)
        if len(opened) == 6:
            raise KeyboardInterrupt
        return read_whole(self, path)

    monkeypatch.setattr(LoadScan, "__call__", stopped_after_five)
    with pytest.raises(SystemExit, match="5 of 12 scans are predicted and kept"):
        run_inference(bundle, tiny_cohort.parent, tmp_path / "out")
    assert not (tmp_path / "out/predictions.csv").exists()
    run_inference(bundle, tiny_cohort.parent, tmp_path / "out")
    assert len(opened) == 6 + 7
    assert len({*opened}) == 12
    with caplog.at_level("INFO"):
        run_inference(bundle, tiny_cohort.parent, tmp_path / "out")
    assert len(opened) == 6 + 7
    assert "12 of 12 scans were predicted already" in caplog.text
    for name in ("predictions.csv", "predictions.json", "errors.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_another_setting_predicts_anew_and_another_place_of_the_bundle_does_not(
    bundle: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    before, _ = run_inference(bundle, tiny_cohort.parent, tmp_path / "out")
    shutil.copytree(bundle, tmp_path / "copy")
    journal = tmp_path / "out/.progress.jsonl"
    run_inference(tmp_path / "copy", tiny_cohort.parent, tmp_path / "out", num_workers=0)
    assert len(journal.read_text().splitlines()) == 12
    run_inference(bundle, tiny_cohort.parent, tmp_path / "out", temperatures=[2.0, 2.0])
    assert len(journal.read_text().splitlines()) == 24
    assert read(tmp_path / "out/predictions.csv") != before


def test_slices_are_held_against_those_of_training(bundle_2d: Path, tiny_run_2d: Path, tmp_path: Path) -> None:
    reference = json.loads((bundle_2d / "configs/reference.json").read_text())["reference"]
    assert (reference["scans"], reference["refused"], reference["states"]) == (6, None, [])
    assert reference["measures"].keys() == {"intensity_p05", "intensity_p50", "intensity_p95", "foreground"}
    scan = np.zeros((30, 30), np.float32)
    scan[5:25, 5:25] = np.kron(100 + np.random.default_rng(0).exponential(100, (5, 5)), np.ones((4, 4)))
    (tmp_path / "scans").mkdir()
    nib.save(nib.Nifti1Image(scan, np.eye(4)), tmp_path / "scans/blocks.nii.gz")
    rows, errors = run_inference(bundle_2d, tmp_path / "scans", tmp_path / "out")
    assert errors == []
    assert "unlike_training:intensity_p95" in rows[0]["flags"].split(";")
    assert float(rows[0]["distance_from_training"]) > 3
    usual, _ = run_inference(bundle_2d, cohort_of(TrainedRun.load(tiny_run_2d)).dataset_dir, tmp_path / "usual")
    assert sum("unlike_training" in row["flags"] for row in usual) <= 2


def test_prior_that_is_no_number_costs_its_own_scan_alone(
    bundle: Path, make_scan: Callable[..., Path], tmp_path: Path
) -> None:
    for name in ("a", "b"):
        make_scan(tmp_path / "scans" / f"{name}.nii.gz", 1)
    table = tmp_path / "prior.csv"
    table.write_text("scan,age,sex\na.nii.gz,old,F\nb.nii.gz,70,F\n")
    rows, errors = run_inference(bundle, tmp_path / "scans", tmp_path / "out", prior_table=str(table))
    assert [row["scan"] for row in rows] == ["b.nii.gz"]
    assert "'old'" in errors[0]["error"]


def test_result_is_the_same_for_a_bundle_moved_elsewhere(
    bundle: Path, tiny_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = run_inference(bundle, tiny_cohort.parent, tmp_path / "here")
    shutil.copytree(bundle, tmp_path / "elsewhere" / "copy")
    monkeypatch.chdir(tmp_path / "elsewhere")
    there, _ = run_inference(Path("copy"), tiny_cohort.parent, Path("out"))
    assert there == here


def test_rows_carry_the_checksum_of_the_weights(bundle: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    rows, _ = run_inference(bundle, tiny_cohort.parent, tmp_path / "out")
    digest = hashlib.sha256((bundle / "models/model.pt").read_bytes()).hexdigest()
    assert {row["model_sha256"] for row in rows} == {digest}


def test_monai_command_predicts_from_any_directory(bundle: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "monai.bundle", *inference_arguments(bundle, tiny_cohort.parent)]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "12 scans predicted" in done.stdout
    assert len(read(tmp_path / "out" / "predictions.csv")) == 12
