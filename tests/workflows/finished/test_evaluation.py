"""A checkpoint of a run on a split: the figures, and the files that hold them."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from admoe_monai.checkpoints import CheckpointError
from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.workflows.finished.calibration import temperatures_of
from admoe_monai.workflows.finished.evaluation import RunEvaluation, evaluate_run
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of, predict


@pytest.fixture(scope="module")
def found(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> RunEvaluation:
    return evaluate_run(tiny_run, output=tmp_path_factory.mktemp("made") / "in" / "passing", device="cpu")


@pytest.fixture
def run(tiny_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_run, tmp_path / "run"))


def content(found: RunEvaluation, name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((found.folder / name).read_text())
    return loaded


def test_figures_are_those_of_the_predictions_of_the_split(found: RunEvaluation, tiny_run: Path) -> None:
    run = TrainedRun.load(tiny_run)
    table = predict(run, cohort_of(run), "test", "cpu")
    assert found.figures == evaluate_predictions(table, table.classes)


def test_figures_and_what_they_are_of_stand_in_one_file(found: RunEvaluation, tiny_run: Path) -> None:
    written = content(found, "metrics_test.json")
    assert written.pop("figures") == json.loads(json.dumps(found.figures))
    assert written.pop("wrong") == json.loads(json.dumps(found.wrong))
    assert written == found.about
    assert (written["split"], written["checkpoint"], written["epoch"]) == ("test", "best_model.pth", 1)
    assert (written["simulated"], written["leakage"]) == (True, [])
    assert written["datalist"] == str(tiny_run / "datalist.json")


def test_predictions_stand_beside_their_figures(found: RunEvaluation) -> None:
    table = PredictionTable.read(found.folder / "predictions_test.csv")
    assert evaluate_predictions(table, table.classes) == found.figures


def test_nothing_else_is_written(found: RunEvaluation) -> None:
    assert {path.name for path in found.folder.iterdir()} == {
        "metrics_test.json", "predictions_test.csv", "worst_cases_test.csv",
    }  # fmt: skip


def test_the_surest_mistakes_are_listed_by_name_in_a_table_alone(found: RunEvaluation, tiny_run: Path) -> None:
    run = TrainedRun.load(tiny_run)
    table = predict(run, cohort_of(run), "test", "cpu")
    listed = pd.read_csv(found.folder / "worst_cases_test.csv")
    wrong = {task: (table.labels(task) != table.probabilities(task).argmax(1)).sum() for task in table.classes}
    assert {task: (listed["task"] == task).sum() for task in table.classes} == wrong
    assert {*listed["subject_id"]} <= {*table.frame["subject_id"]}
    assert "sub-" not in json.dumps(content(found, "metrics_test.json")["wrong"])
    assert f"diagnosis: {wrong['diagnosis']} of 3 people are called wrong; there are too few of them" in found.text()


def test_the_text_names_what_was_evaluated_and_both_tasks(found: RunEvaluation) -> None:
    assert found.heading().endswith("(SIMULATED), test split, best_model.pth of epoch 1")
    text = found.text()
    for part in ("diagnosis: ", "change: ", "balanced accuracy"):
        assert part in text
    assert "temperature" not in text


@pytest.mark.parametrize(
    ("checkpoint", "elsewhere", "folder"),
    [("final_model.pth", False, "final_model"), ("best_model.pth", True, "on_datalist"),
     ("final_model.pth", True, "final_model_on_datalist")],
)  # fmt: skip
def test_other_weights_and_cohorts_leave_the_figures_of_the_run_as_they_are(
    run: Path, tiny_cohort: Path, checkpoint: str, elsewhere: bool, folder: str
) -> None:
    found = evaluate_run(run, checkpoint, tiny_cohort if elsewhere else None, device="cpu")
    assert found.folder == run / "evaluation" / folder
    assert not (run / "evaluation" / "metrics_test.json").exists()


def test_all_visits_are_counted_on_demand(found: RunEvaluation, tiny_run: Path, tmp_path: Path) -> None:
    every = evaluate_run(tiny_run, output=tmp_path, device="cpu", one_visit_per_subject=False)
    visits = (evaluation.figures["diagnosis"]["visits_used"] for evaluation in (found, every))
    assert len(set(visits)) == 2


def test_a_checkpoint_of_pretraining_is_judged_by_its_reconstructions(tiny_run: Path, tmp_path: Path) -> None:
    found = evaluate_run(tiny_run, "pretrain_checkpoint.pth", output=tmp_path, device="cpu")
    assert found.text().startswith("reconstruction: ")
    assert content(found, "reconstruction_test.json")["figures"] == json.loads(json.dumps(found.figures))
    names = {path.name for path in tmp_path.iterdir()}
    assert "reconstruction_1.png" in names
    assert not {name for name in names if name.startswith(("metrics", "predictions"))}


def test_calibrated_figures_are_those_of_the_tempered_predictions(run: Path, found: RunEvaluation) -> None:
    calibrated = evaluate_run(run, calibrate=True, device="cpu")
    assert calibrated.folder == run / "evaluation"
    assert calibrated.calibration.keys() == {"test", "validation"}
    temperatures = {task: entry["temperature"] for task, entry in calibrated.calibration["validation"].items()}
    assert temperatures_of(run, 1) == temperatures
    assert "one temperature per task" in calibrated.text()
    at = ", ".join(f"{task} {temperature:.2f}" for task, temperature in temperatures.items())
    assert f"all figures are at the fitted temperatures ({at})" in calibrated.text()
    assert content(calibrated, "metrics_test.json")["temperatures"] == temperatures
    table = PredictionTable.read(calibrated.folder / "predictions_test.csv")
    before = PredictionTable.read(found.folder / "predictions_test.csv")
    for task, temperature in temperatures.items():
        odds, odds_before = (t.probabilities(task)[:, 0] / t.probabilities(task)[:, 1] for t in (table, before))
        assert odds**temperature == pytest.approx(odds_before)


def test_only_the_model_that_a_bundle_carries_is_calibrated(run: Path) -> None:
    with pytest.raises(UserError, match=r"--calibrate is of best_model\.pth, .*, not of finetune_checkpoint\.pth"):
        evaluate_run(run, "finetune_checkpoint.pth", calibrate=True)
    assert not (run / "evaluation").exists()


@pytest.mark.parametrize(
    ("asked", "kind", "message"),
    [
        ({"split": "holdout"}, UserError, "has no holdout visits"),
        (
            {"checkpoint": "checkpoint_epoch_7.pth"},
            CheckpointError,
            r"there is no checkpoint .*checkpoint_epoch_7\.pth",
        ),
    ],
)
def test_what_is_not_there_is_named_and_nothing_written(
    run: Path, asked: dict[str, Any], kind: type[UserError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        evaluate_run(run, **asked)
    assert not (run / "evaluation").exists()


def test_a_folder_that_cannot_be_made_is_named(run: Path) -> None:
    with pytest.raises(UserError, match=r"cannot make the folder .*best_model\.pth/in: Not a directory.*--output"):
        evaluate_run(run, output=run / "best_model.pth" / "in")


def test_figures_of_before_stay_when_the_disk_is_full(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = run / "evaluation" / "metrics_test.json"
    figures.parent.mkdir()
    figures.write_text("before")
    fsync = os.fsync

    def full(descriptor: int) -> None:
        if "metrics_test.json" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        evaluate_run(run, device="cpu")
    assert figures.read_text() == "before"
    assert {path.name for path in figures.parent.iterdir()} == {
        "metrics_test.json", "predictions_test.csv", "worst_cases_test.csv",
    }  # fmt: skip
