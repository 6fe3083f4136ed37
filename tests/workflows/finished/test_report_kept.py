"""What other commands have left in a run, of another version or damaged, stops no report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable
from admoe_monai.workflows.finished.calibration import sets_of, temperatures_of
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of, predict
from admoe_monai.workflows.finished.report import write, write_report
from admoe_monai.workflows.finished.report.pictures import _errors
from admoe_monai.workflows.finished.report.prediction_sets import at_temperatures, set_numbers

ESTIMATE = {"value": 0.5, "low": None, "high": None, "n_resamples": 0, "note": "no interval: 3 subjects"}
RECONSTRUCTED: dict[str, Any] = {"n_subjects": 3, "errors": {"model": ESTIMATE}}


@pytest.fixture
def run(tiny_run: Path, tmp_path: Path) -> TrainedRun:
    loaded = TrainedRun.load(Path(shutil.copytree(tiny_run, tmp_path / "run")))
    (loaded.folder / "evaluation").mkdir(exist_ok=True)
    return loaded


@pytest.fixture(scope="module")
def table(tiny_run: Path) -> PredictionTable:
    loaded = TrainedRun.load(tiny_run)
    return predict(loaded, cohort_of(loaded), "test", "cpu")


def calibrated(run: TrainedRun, tasks: Any) -> None:
    content = {"epoch": run.checkpoint["epoch"], "tasks": tasks}
    (run.folder / "evaluation" / "calibration.json").write_text(json.dumps(content))


@pytest.mark.parametrize("temperature", [0, -1.0, float("nan"), float("inf"), "hot"])
def test_a_temperature_that_is_none_is_fitted_anew(temperature: Any, run: TrainedRun, table: PredictionTable) -> None:
    calibrated(run, {task: {"temperature": temperature} for task in table.classes})
    with pytest.raises(UserError, match=r"calibration\.json can't be read .*; fit it anew"):
        temperatures_of(run.folder, run.checkpoint["epoch"])
    assert at_temperatures(run, table) is None


def test_a_calibration_of_other_tasks_or_classes_is_none(run: TrainedRun, table: PredictionTable) -> None:
    entry = {
        "temperature": 1.0,
        "set": {"promised": 0.9, "classes": {"one": {"least_probability": 0, "n_subjects": 9}}},
    }
    calibrated(run, {"diagnosis": entry})
    assert at_temperatures(run, table) is None
    calibrated(run, dict.fromkeys(table.classes, entry))
    assert at_temperatures(run, table) is not None
    assert set_numbers(run, table) == {}


def test_a_calibration_that_the_disk_does_not_give_is_one_line(
    run: TrainedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrated(run, {})

    def refuse(*_: Any, **__: Any) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(UserError, match="Permission denied"):
        sets_of(run.folder, run.checkpoint["epoch"])


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"epoch": 0, "figures": {}},
        {"figures": {"reconstruction": RECONSTRUCTED}},
        {
            "epoch": 0,
            "figures": {"reconstruction": {**RECONSTRUCTED, "errors": {"model": {**ESTIMATE, "value": None}}}},
        },
        {"epoch": 0, "figures": {"reconstruction": {**RECONSTRUCTED, "errors": {"model": 0.5}}}},
    ],
)
def test_errors_of_reconstruction_of_another_version_are_refused(content: Any) -> None:
    assert _errors({"epoch": 0, "figures": {"reconstruction": RECONSTRUCTED}})["n_subjects"] == 3
    with pytest.raises((KeyError, TypeError, ValueError)):
        _errors(content)


def test_a_page_is_made_beside_files_of_other_versions(run: TrainedRun) -> None:
    for folder, name in (("explanation", "explanation.json"), ("stress", "metrics.json")):
        (run.folder / folder).mkdir(exist_ok=True)
        (run.folder / folder / name).write_text('{"towards": "AD"}')
    for name in ("reconstruction_test.json", "calibration.json"):
        (run.folder / "evaluation" / name).write_text("[]")
    page = write_report(run.folder, None, "cpu").read_text()
    assert "Errors beside baselines: <code>admoe evaluate RUN_DIR --checkpoint pretrain_checkpoint.pth</code>" in page


def test_figures_are_written_before_the_page_is_made(run: TrainedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> str:
        raise RuntimeError("no page")

    monkeypatch.setattr(write, "page_of", fail)
    with pytest.raises(RuntimeError, match="no page"):
        write_report(run.folder, None, "cpu")
    assert json.loads((run.folder / "report" / "metrics.json").read_text())["cohort"] == "tiny"
