"""Two of three classes on request: trained, stopped and resumed, evaluated, reported and exported alike."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from monai.bundle import ConfigWorkflow
from typer.testing import CliRunner

from admoe_monai.cli.main import app
from admoe_monai.data import Datalist
from admoe_monai.engines import PrepareClassificationBatch
from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable
from admoe_monai.workflows.bundles.export import export
from interruptions import signal_at_call
from run_comparison import assert_same_run
from tiny_runs import make_run

TWO: dict[str, Any] = {"classes_diagnosis": ["CN", "AD"]}
LINE = "left out: 4 visits of 4 people whose diagnosis is MCI, not among the classes CN, AD"


@pytest.fixture(scope="module")
def run(tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("two") / "run", tiny_cohort, batch_size=2, **TWO)


def test_the_log_says_once_who_is_left_out_and_pretraining_sees_all(run: Path) -> None:
    log = (run / "training.log").read_text()
    assert log.count("left out: ") == 1
    assert LINE in log
    assert torch.load(run / "best_model.pth")["model_state_dict"]["head_diagnosis.bias"].shape == (2,)
    training = json.loads((run / "datalist.json").read_text())["training"]
    assert [visit["diagnosis"] for visit in training] == ["CN", None, "AD"] * 2
    assert len(torch.load(run / "pretrain_checkpoint.pth")["pretraining_subjects"]) == 6


def test_classes_of_few_people_are_said_when_training_starts(run: Path) -> None:
    log = (run / "training.log").read_text()
    assert "few people with a diagnosis: training 2 CN, 2 AD; validation 1 CN, 1 AD; test 1 CN, 1 AD: " in log
    assert "MCI" not in log.replace(LINE, "").replace("'CN', 'MCI', 'AD'", "")


def test_the_run_records_what_it_left_out(run: Path) -> None:
    settings = yaml.safe_load((run / "config.yaml").read_text())
    assert (settings["classes"]["diagnosis"], settings["left_out_labels"]) == (["CN", "AD"], {"diagnosis": ["MCI"]})


@pytest.mark.parametrize("datalist", ["the cohort's", "the run's own"])
def test_a_run_that_was_stopped_ends_with_the_same_bits(
    run: Path, tiny_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, datalist: str
) -> None:
    with monkeypatch.context() as patch:
        signal_at_call(patch, PrepareClassificationBatch, "__call__", call=2)
        with pytest.raises(SystemExit):
            make_run(tmp_path / "run", tiny_cohort, batch_size=2, **TWO)
    if datalist == "the cohort's":
        make_run(tmp_path / "run", tiny_cohort, batch_size=2, resume="auto", **TWO)
    else:
        own, scans = tmp_path / "run/datalist.json", str(tiny_cohort.parent)
        make_run(tmp_path / "run", own, dataset_dir=scans, batch_size=2, resume="auto", **TWO)
    assert_same_run(tmp_path / "run", run)


def test_a_run_that_leaves_nothing_out_records_and_says_nothing(tiny_run: Path) -> None:
    contents = torch.load(tiny_run / "final_model.pth")
    assert contents["settings"]["left_out_labels"] == {}
    assert "left out" not in (tiny_run / "training.log").read_text()


def test_evaluation_and_report_leave_out_the_same(run: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["evaluate", str(run), "--device", "cpu", "--output", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert LINE in done.output
    table = PredictionTable.read(tmp_path / "predictions_test.csv")
    assert table.classes["diagnosis"] == ["CN", "AD"]
    assert table.labels("diagnosis").tolist() == [0, -1, 1]
    assert json.loads((tmp_path / "metrics_test.json").read_text())["left_out"] == [LINE]
    done = CliRunner().invoke(app, ["report", str(run), "--device", "cpu", "--output", str(tmp_path / "report")])
    assert done.exit_code == 0, done.output
    assert f"L{LINE[1:]}." in (tmp_path / "report/report.html").read_text()
    limits = json.loads((tmp_path / "report/metrics.json").read_text())["remarks"]
    assert limits[0] == LINE
    assert any(line.startswith("few people with a diagnosis") for line in limits)


def test_a_calibration_on_three_people_is_said_and_limits_the_report(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    done = CliRunner().invoke(app, ["evaluate", str(folder), "--calibrate", "--device", "cpu"])
    line = "calibration of diagnosis rests on 2 people of the validation split: its temperature may be chance"
    assert f"note: {line}" in done.output, done.output
    done = CliRunner().invoke(app, ["report", str(folder), "--device", "cpu"])
    limits = json.loads((folder / "report/metrics.json").read_text())["remarks"]
    assert any(limit.startswith(line) for limit in limits)


def spoilt(tiny_cohort: Path, folder: Path, **labels: str | None) -> Path:
    content = json.loads(tiny_cohort.read_text()) | {"dataset_dir": str(tiny_cohort.parent)}
    for split in ("training", "validation", "test"):
        for visit in content[split]:
            visit["diagnosis"] = labels.get(visit["diagnosis"], visit["diagnosis"])
    path = folder / "other.json"
    path.write_text(json.dumps(content))
    return path


def evaluated(run: Path, datalist: Path, output: Path) -> Any:
    words = ["evaluate", str(run), "--datalist", str(datalist), "--device", "cpu", "--output", str(output)]
    return CliRunner().invoke(app, words)


def test_another_cohort_may_have_labels_that_the_network_can_not_say(
    tiny_run: Path, tiny_cohort: Path, tmp_path: Path, run: Path
) -> None:
    three = spoilt(tiny_cohort, tmp_path)
    assert LINE in evaluated(run, three, tmp_path / "two").output
    without_ad = evaluated(run, spoilt(tiny_cohort, tmp_path, AD="CN"), tmp_path / "no_ad")
    assert LINE in without_ad.output


def test_another_cohort_whose_labels_have_other_names_is_refused(run: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    error = evaluated(run, spoilt(tiny_cohort, tmp_path, AD="Dementia"), tmp_path / "out").exception
    assert isinstance(error, UserError)
    assert "4 visits of 4 people have a diagnosis that is not one of the classes CN, AD: 'Dementia'" in str(error)
    assert "no visit has the class 'AD'" in str(error)


def test_a_slip_of_the_pen_is_no_request(tiny_cohort: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no visit has the class 'Ad' of classes_diagnosis, did you mean 'AD'\?"):
        make_run(tmp_path / "run", tiny_cohort, classes_diagnosis=["CN", "Ad"])
    assert not (tmp_path / "run").exists()


def test_labels_are_left_out_by_name_beside_the_default_classes(tiny_cohort: Path, tmp_path: Path) -> None:
    content = json.loads(tiny_cohort.read_text()) | {"dataset_dir": str(tiny_cohort.parent)}
    content["training"][0]["diagnosis"] = "FTD"
    datalist = tmp_path / "datalist.json"
    datalist.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"'FTD'.*--left_out_labels"):
        make_run(tmp_path / "run", datalist)
    named = {"diagnosis": ["FTD"]}
    run = make_run(tmp_path / "run", datalist, left_out_labels=named, pretrain_epochs=0, max_epochs=1)
    assert "left out: 1 visit of 1 person whose diagnosis is FTD" in (run / "training.log").read_text()
    assert yaml.safe_load((run / "config.yaml").read_text())["left_out_labels"] == named


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"diagnosi": ["FTD"]}, "left_out_labels names the task 'diagnosi', which classes does not"),
        ({"diagnosis": "FTD"}, "left_out_labels of diagnosis must be a list of texts"),
        ({"diagnosis": ["AD"]}, "left_out_labels names 'AD', which is one of the classes of diagnosis"),
    ],
)
def test_labels_to_leave_out_must_make_sense(
    tiny_cohort: Path, tmp_path: Path, labels: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        make_run(tmp_path / "run", tiny_cohort, left_out_labels=labels)


def test_a_bundle_says_who_was_left_out_and_goes_on_without_them(run: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    bundle = export(run, tmp_path / "bundle", [], 0)
    readme = (bundle / "docs/README.md").read_text()
    assert "left out 4 visits of 4 people whose diagnosis is MCI" in readme
    made = ConfigWorkflow(
        str(bundle / "configs/train.json"), workflow_type="train", run_id="training", logging_file=False,
        bundle_root=str(bundle), datalist=str(tiny_cohort), device="cpu", max_epochs=1,
        output_dir=str(tmp_path / "trained"), cache_dir=str(tmp_path / "preprocessed"),
    )  # fmt: skip
    made.initialize()
    made.run()
    cohort = made.parser.get_parsed_content("cohort")
    assert isinstance(cohort, Datalist)
    assert cohort.left_out == {"diagnosis": ["MCI"]}
