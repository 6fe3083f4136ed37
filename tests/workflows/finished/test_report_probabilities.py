"""Curves and lines of classes that are too few people for them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.evaluation.decision_curve import decision_curves
from admoe_monai.evaluation.pages.report_page import Section, report_page
from admoe_monai.evaluation.recalibration import calibration_lines
from admoe_monai.evaluation.roc import roc_curves
from admoe_monai.workflows.finished.report.probabilities import _lines, add_decisions, add_roc
from page_checks import read_page


def numbers(**counts: int) -> dict[str, Any]:
    """Numbers of a task whose classes are these, each of so many people."""
    names, truth = [*counts], np.repeat(np.arange(len(counts)), [*counts.values()])
    probabilities = np.random.default_rng(0).dirichlet(np.ones(len(names)), len(truth))
    frame = pd.DataFrame({"subject_id": [f"s{n}" for n in range(len(truth))], "diagnosis": np.array(names)[truth]})
    frame[[f"p_diagnosis_{name}" for name in names]] = probabilities
    table = PredictionTable(frame, {"diagnosis": names})
    made = {"roc": roc_curves, "decision": decision_curves, "calibration_lines": calibration_lines}
    return {
        "test": evaluate_predictions(table, table.classes, n_boot=20),
        "decision_calibrated": False,
        **{name: {"diagnosis": make(probabilities, truth, names)} for name, make in made.items()},
    }


def text(section: Section) -> str:
    return read_page(report_page("t", ["s"], [], [section])).text


@pytest.mark.parametrize("add", [add_roc, add_decisions])
def test_a_class_of_few_people_has_no_curve_and_the_others_have_theirs(add: Any) -> None:
    section = Section("Pictures")
    add(section, numbers(CN=60, MCI=58, AD=2))
    (pictures,) = (block["pictures"] for block in section.blocks if block["kind"] == "pictures")
    assert len(pictures) == 1
    assert "CN" in pictures[0]["element"]
    assert "AD" not in pictures[0]["element"]
    assert "diagnosis: \N{EN DASH} too few people for a curve of AD (2 against 118)" in text(section)


@pytest.mark.parametrize("add", [add_roc, add_decisions])
def test_nothing_is_drawn_where_all_others_are_few(add: Any) -> None:
    section = Section("Pictures")
    add(section, numbers(CN=60, AD=3))
    assert [block["kind"] for block in section.blocks if block["kind"] == "pictures"] == []
    assert "too few people for a curve of CN (60 against 3), AD (3 against 60)" in text(section)


def test_an_area_has_the_digits_of_the_smaller_side() -> None:
    section = Section("Pictures")
    add_roc(section, numbers(CN=120, AD=20))
    assert len(re.findall(r"AUC \d\.\d\d \(", text(section))) == 2


def test_a_calibration_line_needs_enough_people_on_both_sides() -> None:
    few, enough = Section("Calibration"), Section("Calibration")
    _lines(few, numbers(CN=60, AD=3))
    _lines(enough, numbers(CN=60, AD=30))
    assert [row[2:] for row in few.blocks[0]["rows"]] == [["\N{EN DASH} too few people"] * 2] * 2
    assert all(" [" in cell for row in enough.blocks[0]["rows"] for cell in row[2:])
