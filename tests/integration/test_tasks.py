"""A further task is a field of the datalist and a line of config; one alone will do."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from monai.bundle import ConfigWorkflow
from typer.testing import CliRunner

from admoe_monai.cli.main import app
from admoe_monai.engines import PrepareClassificationBatch, PrepareReconstructionBatch
from admoe_monai.evaluation import PredictionTable
from admoe_monai.evaluation.calibration import apply_temperatures
from admoe_monai.workflows.bundles.export import export
from admoe_monai.workflows.finished.calibration import fit_calibration, temperatures_of
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of, predict
from interruptions import signal_at_call
from run_comparison import assert_same_run
from tiny_runs import CHANGES, DIAGNOSES, make_run

SEX = ["F", "M"]
THREE = {"diagnosis": list(DIAGNOSES), "change": list(CHANGES), "sex": SEX}
ONE = {"diagnosis": list(DIAGNOSES)}
TASKS = {"three": list(THREE), "one": list(ONE), "no_diagnosis": ["change"]}
#: Classes of the task that the experts are named after: another one in the first run, none in the last.
EXPERT_CLASSES = {"three": SEX, "one": list(DIAGNOSES), "no_diagnosis": []}

Plans = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def plans(tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Plans:
    """Settings of three runs with other tasks than the two, and three steps an epoch to be stopped between."""
    overlay = tmp_path_factory.mktemp("overlay") / "experts_by_sex.yaml"
    overlay.write_text("expert_task: sex\n")
    plans = {
        "three": {"classes_sex": SEX, "weight_sex": 0.5, "phase_overlays": [str(overlay)]},
        "one": {"classes": ONE},
        "no_diagnosis": {"classes": {"change": list(CHANGES)}, "prior_columns": ["sex"]},
    }
    return {name: {"datalist": tiny_cohort, "batch_size": 2, **plan} for name, plan in plans.items()}


@pytest.fixture(scope="module")
def runs(plans: Plans, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tasks")
    return {name: make_run(folder / name, **plan) for name, plan in plans.items()}


@pytest.fixture(scope="module")
def bundles(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The one of three tasks is calibrated."""
    folder = tmp_path_factory.mktemp("bundles")
    shutil.copytree(runs["three"], folder / "calibrated")
    fit_calibration(TrainedRun.load(folder / "calibrated"), "cpu")
    return {
        "three": export(folder / "calibrated", folder / "three", ["pt2"], 0),
        "one": export(runs["one"], folder / "one", [], 0),
    }


def rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", TASKS)
def test_each_task_has_its_head_its_loss_and_its_metric(runs: dict[str, Path], name: str) -> None:
    contents = torch.load(runs[name] / "final_model.pth")
    heads = [key for key in contents["model_state_dict"] if key.startswith("head_") and key.endswith(".bias")]
    assert heads == [f"head_{task}.bias" for task in TASKS[name]]
    row = rows_of(runs[name] / "metrics.csv")[-1]
    columns = [column for column in row if column.startswith("val_") and column.endswith("_balanced_accuracy")]
    assert columns == ["val_balanced_accuracy", *(f"val_{task}_balanced_accuracy" for task in TASKS[name])]
    scores = [float(row[column]) for column in columns]
    assert scores[0] == pytest.approx(np.mean(scores[1:]))
    assert [task for task in THREE if f"train_{task}" in row] == TASKS[name]
    log = (runs[name] / "training.log").read_text()
    assert [task for task in THREE if f"val_{task}_bal_acc" in log] == TASKS[name]


@pytest.mark.parametrize("name", TASKS)
def test_gate_weights_are_told_per_task_and_class_of_the_task_that_experts_are_named_after(
    runs: dict[str, Path], name: str
) -> None:
    figures = rows_of(runs[name] / "metrics.csv")[-1]
    assert [task for task in THREE if figures.get(f"val_experts_stage1_{task}_shared")] == TASKS[name]
    run = TrainedRun.load(runs[name])
    visits = cohort_of(run).items("test")
    metric = run.phase(visits, torch.device("cpu"))["validate::additional_metrics::experts"]
    assert metric.classes == tuple(EXPERT_CLASSES[name])


def test_the_weight_of_a_task_is_its_share_of_the_loss(runs: dict[str, Path]) -> None:
    row = rows_of(runs["three"] / "metrics.csv")[-1]
    parts = {name: float(row[f"train_{name}"]) for name in (*THREE, "balance")}
    expected = parts["diagnosis"] + parts["change"] + 0.5 * parts["sex"] + 0.01 * parts["balance"]
    assert float(row["train_loss"]) == pytest.approx(expected, rel=1e-5)


def test_a_prior_column_that_is_the_label_of_a_task_is_left_out_and_said(runs: dict[str, Path]) -> None:
    settings = yaml.safe_load((runs["three"] / "config.yaml").read_text())
    assert (settings["classes"], settings["prior_columns"]) == (THREE, ["age"])
    line = "Prior column 'sex' is the label of a task and no input"
    assert [line in (runs[name] / "training.log").read_text() for name in TASKS] == [True, False, False]


def test_without_training_the_task_its_column_is_an_input(tiny_cohort: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", tiny_cohort, pretrain_epochs=0, max_epochs=1, classes_sex=SEX, weight_sex=0)
    assert yaml.safe_load((run / "config.yaml").read_text())["prior_columns"] == ["age", "sex"]


@pytest.mark.parametrize(
    ("name", "batch"),
    [("three", PrepareReconstructionBatch), ("three", PrepareClassificationBatch), ("one", PrepareClassificationBatch)],
)
def test_a_run_that_was_stopped_ends_with_the_same_bits(
    runs: dict[str, Path], plans: Plans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, batch: type
) -> None:
    with monkeypatch.context() as patch:
        signal_at_call(patch, batch, "__call__", call=2)
        with pytest.raises(SystemExit) as left:
            make_run(tmp_path / "run", **plans[name])
    assert left.value.code == 75
    assert (tmp_path / "run/interrupt_checkpoint.pth").exists()
    make_run(tmp_path / "run", **plans[name], resume="auto")
    assert_same_run(tmp_path / "run", runs[name])


@pytest.mark.parametrize("name", TASKS)
def test_evaluation_and_report_tell_every_task(runs: dict[str, Path], tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(runs[name], tmp_path / "run")
    words = ["evaluate", str(folder), "--calibrate", "--device", "cpu", "--output", str(tmp_path)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    table = PredictionTable.read(tmp_path / "predictions_test.csv")
    run = TrainedRun.load(runs[name])
    assert table.classes == run.settings["classes"]
    assert list(json.loads((tmp_path / "metrics_test.json").read_text())["figures"]) == TASKS[name]

    done = CliRunner().invoke(app, ["report", str(runs[name]), "--device", "cpu", "--output", str(tmp_path / "report")])
    assert done.exit_code == 0, done.output
    numbers = json.loads((tmp_path / "report/metrics.json").read_text())
    for figures in (numbers["test"], numbers["calibration"], numbers["recall_without_expert"]):
        assert list(figures) == TASKS[name]
    assert numbers["gate_weights_of"] == EXPERT_CLASSES[name]
    told = {weight.partition("_of_")[2] for weight in numbers["gate_weights"]} - {""}
    assert told == set(EXPERT_CLASSES[name])
    page = (tmp_path / "report/report.html").read_text()
    assert [task for task in THREE if f"stage1, {task}" in page] == TASKS[name]
    assert [task for task in THREE if f"{task}: as the cohort gives it" in page] == TASKS[name]


@pytest.mark.parametrize("name", ["three", "one"])
def test_a_bundle_predicts_every_task(
    runs: dict[str, Path], bundles: dict[str, Path], tmp_path: Path, tiny_cohort: Path, name: str
) -> None:
    bundle, run = bundles[name], TrainedRun.load(runs[name])
    prior = ["scan,age,sex"] + [
        f"{Path(visit['image']).relative_to(tiny_cohort.parent)},{visit['age'] or ''},{visit['sex']}"
        for visit in cohort_of(run).splits["test"]
    ]
    (tmp_path / "prior.csv").write_text("\n".join(prior) + "\n")
    made = ConfigWorkflow(
        str(bundle / "configs/inference.json"), workflow_type="inference", run_id="inference", logging_file=False,
        bundle_root=str(bundle), dataset_dir=str(tiny_cohort.parent), output_dir=str(tmp_path / "out"), device="cpu",
        screening=False, prior_table=str(tmp_path / "prior.csv"),
    )  # fmt: skip
    made.initialize()
    made.run()
    rows = {row["subject_id"]: row for row in rows_of(tmp_path / "out/predictions.csv")}
    expected = predict(run, cohort_of(run), "test", "cpu")
    temperatures = temperatures_of(bundle.with_name("calibrated"), run.checkpoint["epoch"])
    assert list(temperatures) == list(THREE)
    if name == "three":
        expected = apply_temperatures(expected, temperatures)
    columns = [column for task in TASKS[name] for column in expected.columns(task)]
    assert [column for column in rows["sub-09"] if column.startswith("p_")] == columns
    for task in TASKS[name]:
        found = [[float(rows[subject][c]) for c in expected.columns(task)] for subject in expected.frame["subject_id"]]
        np.testing.assert_allclose(found, expected.probabilities(task), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["three", "one"])
def test_the_papers_of_a_bundle_name_every_task(bundles: dict[str, Path], name: str) -> None:
    about = json.loads((bundles[name] / "configs/metadata.json").read_text())
    classes = {task: THREE[task] for task in TASKS[name]}
    channels = about["network_data_format"]["outputs"]["pred"]["channel_def"]
    assert list(channels.values()) == [f"{task} {label}" for task, names in classes.items() for label in names]
    said = {"three": "diagnosis, change and sex", "one": "diagnosis"}[name]
    assert about["task"] == f"Classification of {said} from T1-weighted brain MRI"
    readme = (bundles[name] / "docs/README.md").read_text()
    assert [task for task in THREE if f"- {task}: as the cohort gives it." in readme] == TASKS[name]
    assert ("`sex` tells F and M" in readme) is (name == "three")
    assert f"| split | subjects | visits | {' | '.join(TASKS[name])} |" in readme


@pytest.mark.parametrize("name", ["three", "one"])
def test_a_bundle_is_trained_further_and_evaluated_on_every_task(
    bundles: dict[str, Path], tmp_path: Path, tiny_cohort: Path, name: str
) -> None:
    for configs, run_id in ((["train"], "training"), (["train", "evaluate"], "evaluating")):
        made = ConfigWorkflow(
            [str(bundles[name] / f"configs/{config}.json") for config in configs], workflow_type="train", run_id=run_id,
            logging_file=False, bundle_root=str(bundles[name]), datalist=str(tiny_cohort), device="cpu", max_epochs=1,
            output_dir=str(tmp_path / run_id), cache_dir=str(tmp_path / "preprocessed"),
        )  # fmt: skip
        made.initialize()
        made.run()
    trained = rows_of(tmp_path / "training/metrics.csv")[-1]
    assert [task for task in THREE if f"val_{task}_balanced_accuracy" in trained] == TASKS[name]
    with open(tmp_path / "evaluating/metrics.csv", newline="") as file:
        figures = {row[0] for row in csv.reader(file)} - {""}
    wanted = {"loss", "balanced_accuracy", *(f"{task}_balanced_accuracy" for task in TASKS[name])}
    assert {name for name in figures if not name.startswith("filename")} >= wanted
