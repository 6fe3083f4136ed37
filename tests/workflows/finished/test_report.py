"""One page that loads nothing from elsewhere, and the numbers behind it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from admoe_monai.checkpoints import CheckpointError
from admoe_monai.cli.main import app
from admoe_monai.evaluation import evaluate_predictions
from admoe_monai.workflows.finished.experts import gate_weights, recall_without, without_expert
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of, predict
from admoe_monai.workflows.finished.report import write_report
from page_checks import read_page

#: Rules of a page's head, for parts of one.
STYLE = "<style>prefers-color-scheme: dark @media print width=device-width, initial-scale=1</style>"


@pytest.fixture(scope="module")
def report(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(tiny_run, tmp_path_factory.mktemp("report"), "cpu")


def test_page_holds_every_section_and_loads_nothing(report: Path) -> None:
    html = report.read_text()
    page = read_page(html)
    titles = [html.index(f"<h2>{title}</h2>") for title in ("Findings", "Pictures", "Controls", "Limits", "Data")]
    assert titles == sorted(titles)
    assert html.index('class="summary"') < titles[0]
    assert titles[-1] < html.index("<details><summary>Settings and versions")
    for heading in (
        "diagnosis: 3 people",
        "Beside what needs less",
        "Calibration",
        "calibration slope",
        "Training",
        "Experts",
    ):
        assert heading in page.text
    assert "no thresholds of this model" in page.text
    assert "Decision curves: first labelled visit of each test person, the network as it is" in page.text


def test_the_summary_says_the_primary_figure_its_number_and_what_less_would_do(report: Path) -> None:
    html = report.read_text()
    said = read_page(html[html.index('<div class="summary">') : html.index("<h2>")] + STYLE).text
    assert said.startswith("Balanced accuracy of diagnosis is 0.")
    assert "3 people: too few for an interval; 3 people, one visit each); guessing reaches 0.33. Right: CN " in said
    assert "Against image alone (clinical values missing), at 0." in said
    assert "So few people can't tell which of them is better." in said


def test_the_page_names_version_and_day(report: Path) -> None:
    numbers = json.loads(report.with_name("metrics.json").read_text())
    assert f"Written by admoe_monai {numbers['version']} on {numbers['written'][:10]}" in report.read_text()


def test_few_people_are_counted(report: Path) -> None:
    page = read_page(report.read_text())
    assert re.search(r"CN 1 [01] of 1 \N{EN DASH} too few people", page.text)
    assert re.findall(r"\d\.\d{3}", page.text[page.text.index("Findings") : page.text.index("Pictures")]) == []


def test_classes_stand_in_the_order_of_the_setting(report: Path) -> None:
    numbers = json.loads(report.with_name("metrics.json").read_text())
    for task, names in (("diagnosis", ["CN", "MCI", "AD"]), ("change", ["stable", "conversion", "reversion"])):
        assert [*numbers["roc"][task]] == numbers["test"][task]["classes"] == names
        assert all([*count[task]] == names for count in numbers["visits"].values())


def test_held_out_scans_are_reconstructed_by_a_run_that_pretrained(
    report: Path, tiny_run: Path, tmp_path: Path
) -> None:
    assert report.read_text().count('src="data:image/png;base64,') == 3
    run = shutil.copytree(tiny_run, tmp_path / "run")
    (run / "pretrain_checkpoint.pth").unlink()
    text = read_page(write_report(run, None, "cpu").read_text()).text
    assert re.search(r"Reconstruction of held-out scans by pretraining \N{EN DASH} [^.]*pretrain_checkpoint\.pth", text)


def test_numbers_are_those_of_the_test_split(report: Path, tiny_run: Path) -> None:
    numbers = json.loads(report.with_name("metrics.json").read_text())
    run = TrainedRun.load(tiny_run)
    table = predict(run, cohort_of(run), "test", "cpu")
    assert numbers["test"] == json.loads(json.dumps(evaluate_predictions(table, table.classes)))
    assert numbers["visits"]["training"]["subjects"] == 6
    assert numbers["leakage"] == []
    assert numbers["simulated"] is True


def test_the_image_and_the_clinical_values_are_judged_alone(report: Path) -> None:
    yardsticks = json.loads(report.with_name("metrics.json").read_text())["yardsticks"]
    assert yardsticks.keys() == {
        "image alone (clinical values missing)", "clinical values alone (logistic regression)",
    }  # fmt: skip


def test_missing_clinical_values_change_the_predictions(tiny_run: Path) -> None:
    run = TrainedRun.load(tiny_run)
    cohort = cohort_of(run)
    given, missing = (predict(run, cohort, "test", "cpu", with_prior=known) for known in (True, False))
    assert not (given.probabilities("diagnosis") == missing.probabilities("diagnosis")).all()


def test_an_expert_that_is_taken_away_has_no_weight_and_comes_back(tiny_run: Path) -> None:
    run = TrainedRun.load(tiny_run)
    before = {name: weight.clone() for name, weight in run.network.state_dict().items()}
    with without_expert(run.network, "mci"):
        _, weights, groups = gate_weights(run, cohort_of(run), "test", "cpu")
    assert all(weight == pytest.approx(0, abs=1e-6) for name, weight in weights.items() if "_mci" in name)
    assert groups == ("CN", "MCI", "AD")
    assert sum(weights[f"stage1_diagnosis_{name}"] for name in run.settings["experts"]) == pytest.approx(1)
    assert all(torch.equal(before[name], weight) for name, weight in run.network.state_dict().items())


def test_what_each_class_loses_without_an_expert_is_counted(tiny_run: Path) -> None:
    run = TrainedRun.load(tiny_run)
    cohort = cohort_of(run)
    table = predict(run, cohort, "test", "cpu")
    changes = recall_without(run, cohort, "test", "cpu", table)["diagnosis"]
    with without_expert(run.network, "ad"):
        less = predict(run, cohort, "test", "cpu")
    for index, name in enumerate(("CN", "MCI", "AD")):
        rows = table.labels("diagnosis") == index
        recalls = [(t.probabilities("diagnosis").argmax(1)[rows] == index).mean() for t in (table, less)]
        assert changes["ad"][name] == pytest.approx(recalls[1] - recalls[0])


def test_a_leak_that_was_allowed_is_on_the_page(tiny_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    checkpoint = torch.load(run / "best_model.pth", weights_only=True)
    torch.save({**checkpoint, "leakage": ["subject sub-01 is in training and test"]}, run / "best_model.pth")
    assert "Trained in spite of a leak: subject sub-01" in write_report(run, None, "cpu").read_text()


def test_command_says_where_the_page_is(tiny_run: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["report", str(tiny_run), "--output", str(tmp_path / "out"), "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert str(tmp_path / "out" / "report.html") in result.output


def test_a_run_without_a_best_model_has_none(tiny_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    (run / "best_model.pth").unlink()
    with pytest.raises(CheckpointError, match=r"best_model\.pth"):
        write_report(run)
    assert not (run / "report").exists()
