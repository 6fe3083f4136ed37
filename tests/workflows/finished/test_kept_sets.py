"""Prediction sets of a run: fitted with its temperatures, kept beside them, in its figures and on its page."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from admoe_monai.data import Datalist
from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.evaluation.prediction_sets import evaluate_sets
from admoe_monai.workflows.finished.calibration import calibration_remarks_of, sets_of, temperatures_of
from admoe_monai.workflows.finished.evaluation import RunEvaluation, evaluate_run
from admoe_monai.workflows.finished.prediction import TrainedRun
from admoe_monai.workflows.finished.report import write_report
from admoe_monai.workflows.finished.report.limits import limits
from admoe_monai.workflows.finished.report.prediction_sets import at_temperatures, prediction_sets, set_numbers
from page_checks import read_page

CLASSES = {"diagnosis": ["CN", "AD"]}
EVERY = "is in every prediction set: 90% of its people can't be promised by 1 person of the validation split"


@pytest.fixture(scope="module")
def calibrated(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunEvaluation]:
    run = Path(shutil.copytree(tiny_run, tmp_path_factory.mktemp("calibrated") / "run"))
    return run, evaluate_run(run, calibrate=True, device="cpu")


@pytest.fixture
def run(calibrated: tuple[Path, RunEvaluation], tmp_path: Path) -> Path:
    return Path(shutil.copytree(calibrated[0], tmp_path / "run"))


def change(run: Path, **entry: Any) -> None:
    """Change the entry of each task; None takes a key out."""
    path = run / "evaluation/calibration.json"
    content = json.loads(path.read_text())
    for task in content["tasks"].values():
        task |= entry
        for key in [key for key, value in entry.items() if value is None]:
            del task[key]
    path.write_text(json.dumps(content))


def test_sets_stand_in_the_predictions_the_figures_and_the_text(calibrated: tuple[Path, RunEvaluation]) -> None:
    run, found = calibrated
    table = PredictionTable.read(run / "evaluation/predictions_test.csv")
    assert [*table.classes] == ["diagnosis", "change"]
    assert [*table.frame["diagnosis_set"]] == ["CN|MCI|AD"] * 3
    written = json.loads((run / "evaluation/metrics_test.json").read_text())["prediction_sets"]
    assert written == json.loads(json.dumps(found.sets))
    assert written["change"]["classes"]["conversion"]["held"] == 1
    assert "diagnosis: MCI in every set - 1 of 1 - 1 person" in " ".join(found.text().split())
    assert f"MCI of diagnosis {EVERY} (9 or more are needed)" in found.remarks


def test_thresholds_are_kept_beside_the_temperatures(calibrated: tuple[Path, RunEvaluation]) -> None:
    run, found = calibrated
    assert sets_of(run, 1) == {task: entry["set"] for task, entry in found.calibration["validation"].items()}
    assert any(EVERY in remark for remark in calibration_remarks_of(run))


def test_a_calibration_of_an_earlier_version_has_temperatures_alone(run: Path) -> None:
    before = temperatures_of(run, 1)
    change(run, set=None)
    assert (sets_of(run, 1), temperatures_of(run, 1)) == (None, before)
    assert not any("prediction set" in remark for remark in calibration_remarks_of(run))


@pytest.mark.parametrize("damage", [{"promised": 0.9}, "none", {"promised": 2.0, "classes": {}}])
def test_damaged_thresholds_are_fitted_anew(run: Path, damage: object) -> None:
    change(run, set=damage)
    with pytest.raises(
        UserError, match=r"calibration\.json can't be read .*; fit it anew: admoe evaluate .* --calibrate"
    ):
        sets_of(run, 1)


def test_the_page_of_a_calibrated_run_shows_its_sets_and_decision_curves(run: Path) -> None:
    page = write_report(run, None, "cpu")
    text, numbers = read_page(page.read_text()).text, json.loads(page.with_name("metrics.json").read_text())
    assert numbers["prediction_sets"].keys() == numbers["decision"].keys() == {"diagnosis", "change"}
    assert "CN 1 in every set 1 of 1 \N{EN DASH} needs no measuring 1" in text
    assert "Of 3 sets: one class in 0, 2 classes in 0, 3 classes in 3, none in 0. Classes in a set: 3.00" in text
    assert "first labelled visit of each test person, the network at the temperatures of its calibration" in text
    assert f"MCI of diagnosis {EVERY}" in text


def test_a_run_without_sound_calibration_of_its_model_has_no_sets_and_says_how_to(run: Path) -> None:
    loaded = TrainedRun.load(run)
    table = PredictionTable.read(run / "evaluation/predictions_test.csv")
    assert at_temperatures(loaded, table) is not None
    assert set_numbers(loaded, table).keys() == {"diagnosis", "change"}
    change(run, set="none")
    assert set_numbers(loaded, table) == {}
    (run / "evaluation/calibration.json").write_text("{")
    assert at_temperatures(loaded, table) is None
    (run / "evaluation/calibration.json").unlink()
    assert at_temperatures(loaded, table) is None
    text = " ".join(block["text"] for block in prediction_sets({"prediction_sets": {}}).blocks)
    assert "no thresholds of this model: `admoe evaluate RUN_DIR --calibrate` fits them" in text


def people_of_two_classes(count: int) -> PredictionTable:
    probability = np.tile([0.9, 0.3, 0.7, 0.4], count // 2)
    frame = pd.DataFrame({"subject_id": [f"s{n}" for n in range(2 * count)], "p_diagnosis_CN": probability})
    labels = ["CN", "AD"] * count
    return PredictionTable(frame.assign(diagnosis=labels, p_diagnosis_AD=1 - probability), CLASSES)


def test_promised_and_found_stand_beside_each_other_in_the_digits_of_the_people() -> None:
    own = {"CN": {"least_probability": 0.8, "n_subjects": 30}, "AD": {"least_probability": 0.5, "n_subjects": 25}}
    found = evaluate_sets(people_of_two_classes(20), {"diagnosis": {"promised": 0.9, "classes": own}}, n_boot=200)
    section = prediction_sets({"prediction_sets": found})
    (rows,) = (block["rows"] for block in section.blocks if block["kind"] == "table")
    assert [row[:4] for row in rows] == [
        ["CN", "20", "0.90", "0.50 (10 of 20)"],
        ["AD", "20", "0.90", "1.00 (20 of 20)"],
    ]
    assert [row[5] for row in rows] == ["30", "25"]
    said = " ".join(block["text"] for block in section.blocks if block["kind"] == "text")
    assert "Of 40 sets: one class in 30, 2 classes in 0, none in 10. Classes in a set: 0.75 [" in said
    assert "Validation also chose the model" in said


def test_limits_say_how_many_people_a_narrow_interval_takes() -> None:
    cohort, many = Datalist("made up", Path(), {}), people_of_two_classes(20).frame.assign(p_diagnosis_CN=0.5)
    many.loc[::3, "p_diagnosis_CN"] = 0.7
    table = PredictionTable(many.assign(p_diagnosis_AD=1 - many["p_diagnosis_CN"]), CLASSES)
    figures = evaluate_predictions(table, CLASSES, n_boot=200)
    figures["diagnosis"]["metrics"]["balanced_accuracy"] |= {"low": 0.4, "high": 0.7}
    (line,) = (line for line in limits(cohort, {"test": figures, "leakage": []}) if " wide with " in line)
    assert line.startswith(
        "The interval of balanced accuracy of diagnosis is 0.30 wide with 40 people. One of 0.10 would take"
    )
    assert "some 360 people: an estimate" in line
    figures["diagnosis"]["metrics"]["balanced_accuracy"] |= {"low": None, "high": None}
    assert not any(" wide with " in line for line in limits(cohort, {"test": figures, "leakage": []}))
