"""What a report tells of disturbed scans, of groups beside the others, and of mistakes."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from admoe_monai.evaluation import PredictionTable
from admoe_monai.evaluation.failures import common_to_wrong, worst_cases
from admoe_monai.evaluation.groups import evaluate_groups
from admoe_monai.evaluation.pages.report_page import Section, report_page
from admoe_monai.evaluation.stress import stress_figures
from admoe_monai.workflows.finished.prediction import TrainedRun
from admoe_monai.workflows.finished.report import write_report
from admoe_monai.workflows.finished.report.failures import wrong
from admoe_monai.workflows.finished.report.groups import groups
from admoe_monai.workflows.finished.report.robustness import robustness, stress_of, tried
from page_checks import read_page

CLASSES = {"diagnosis": ["CN", "AD"]}


@pytest.fixture
def table() -> PredictionTable:
    """Eighty people; those of site b are called wrong, and so are the first visits of a few others."""
    random = np.random.default_rng(0)
    truth = np.arange(80) % 2
    site = np.where(np.arange(80) < 50, "a", "b")
    right = np.where(site == "a", 0.9, 0.3) > random.uniform(size=80)
    p = np.where(right, 0.9, 0.1) + random.uniform(-0.05, 0.05, 80)
    p = np.where(truth == 1, p, 1 - p)
    columns = {"subject_id": [f"s{n}" for n in range(80)], "session_id": "v1", "site": site, "age": 70.4, "sex": None}
    labels = {"diagnosis": np.array(CLASSES["diagnosis"])[truth]}
    return PredictionTable(pd.DataFrame({**columns, **labels, "p_diagnosis_CN": 1 - p, "p_diagnosis_AD": p}), CLASSES)


def shown(section: Section) -> list[list[str]]:
    return [row for block in section.blocks if block["kind"] == "table" for row in block["rows"]]


def text(section: Section) -> str:
    return read_page(report_page("t", ["s"], [], [section])).text


def test_each_group_stands_beside_the_others(table: PredictionTable) -> None:
    section = Section("Controls")
    groups(section, {"groups": evaluate_groups(table, n_boot=200)})
    (first, second) = shown(section)
    assert first[0] == "a, diagnosis"
    assert first[-1].startswith("+0.")
    assert second[-1].startswith("-0.")
    assert "of these 2, about 0.1 exclude zero by chance alone" in text(section)


def test_mistakes_are_told_with_what_they_have_in_common(table: PredictionTable) -> None:
    section = Section("Controls")
    wrong(section, {"wrong": common_to_wrong(table), "worst_cases": worst_cases(table).to_dict("records")})
    said = text(section)
    assert "Site a: " in said
    assert "of so many, about" in said
    first = worst_cases(table).iloc[0]
    row = shown(section)[0]
    assert row[:2] == [f"{first['subject_id']} v1", f"{first['truth']}, called {first['called']}"]
    assert row[3:] == ["70", "\N{EN DASH}", first["site"], "\N{EN DASH}"]
    assert len(shown(section)) == 10


def stress(table: PredictionTable) -> dict[str, Any]:
    conditions = [
        {"name": "undisturbed", "kind": None, "strength": 0.0, "without": []},
        {"name": "noise 0.1 of the range", "kind": "noise", "strength": 0.1, "without": []},
        {"name": "without age", "kind": None, "strength": 0.0, "without": ["age"]},
    ]
    frame = table.frame
    swapped = frame.assign(p_diagnosis_CN=frame["p_diagnosis_AD"], p_diagnosis_AD=frame["p_diagnosis_CN"])
    tables = dict(zip((c["name"] for c in conditions), (table, PredictionTable(swapped, CLASSES), table), strict=True))
    return {"epoch": 1, "conditions": conditions, "figures": stress_figures(tables, n_boot=200)}


def test_figures_under_disturbances_are_shown_with_a_picture_of_each_kind(table: PredictionTable) -> None:
    section = robustness({"stress": stress(table)})
    rows = shown(section)
    assert [row[0] for row in rows] == ["undisturbed", "noise 0.1 of the range", "without age"]
    assert rows[0][2:] == ["", ""]
    assert rows[1][2].startswith("-0.")
    assert rows[2][2].startswith("0.00 ")
    pictures = [
        picture["caption"] for block in section.blocks if block["kind"] == "pictures" for picture in block["pictures"]
    ]
    assert pictures == ["noise"]
    assert "Worse, with an interval below zero: noise 0.1 of the range." in text(section)
    assert tried({"stress": stress(table)}) == "1 disturbance of the test scans (section Robustness)"


def test_where_nothing_was_tried_nothing_is_shown_and_the_checklist_says_so() -> None:
    assert robustness({"stress": None}).blocks == []
    assert tried({"stress": None}) == "no corrupted scans were tried"


def test_a_report_reads_the_stress_of_its_model_and_names_nobody_in_its_numbers(
    table: PredictionTable, tiny_run: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    (run / "stress").mkdir()
    (run / "stress" / "metrics.json").write_text(json.dumps(stress(table)))
    page = write_report(run, None, "cpu")
    assert "<h2>Robustness</h2>" in page.read_text()
    assert "1 disturbance of the test scans" in page.read_text()
    assert "The surest mistakes: " in page.read_text()
    numbers = json.loads(page.with_name("metrics.json").read_text())
    assert "worst_cases" not in numbers
    assert "sub-" not in page.with_name("metrics.json").read_text()


@pytest.fixture(scope="module")
def stressed(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    run = Path(shutil.copytree(tiny_run, tmp_path_factory.mktemp("stressed") / "run"))
    (run / "stress").mkdir()
    return TrainedRun.load(run)


@pytest.mark.parametrize("content", ["{}", "[", '{"epoch": 7}', "[1]"])
def test_a_stress_of_another_model_or_a_damaged_one_is_none(content: str, stressed: TrainedRun) -> None:
    (stressed.folder / "stress" / "metrics.json").write_text(content)
    assert stress_of(stressed) is None


def test_a_stress_of_another_version_is_none(table: PredictionTable, stressed: TrainedRun) -> None:
    path, found = stressed.folder / "stress" / "metrics.json", stress(table)
    path.write_text(json.dumps(found))
    assert stress_of(stressed) == json.loads(path.read_text())
    changes: list[Callable[[Any], Any]] = [
        lambda content: content["conditions"][1].update(kind="ghosting"),
        lambda content: content["conditions"].clear(),
        lambda content: content.update(figures=[]),
        lambda content: content["figures"]["diagnosis"]["conditions"].popitem(),
        lambda content: content["figures"]["diagnosis"].update(n_subjects="80"),
        lambda content: content["figures"]["diagnosis"]["conditions"]["undisturbed"].pop("other_calls"),
        lambda content: content["figures"]["diagnosis"]["conditions"]["undisturbed"]["metrics"].pop("macro_auc"),
        lambda content: content["figures"]["diagnosis"]["conditions"]["without age"]["minus"].update(macro_auc="0.1"),
    ]
    for change in changes:
        content = copy.deepcopy(found)
        change(content)
        path.write_text(json.dumps(content))
        assert stress_of(stressed) is None
