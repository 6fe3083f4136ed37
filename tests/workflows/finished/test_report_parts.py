"""The parts of a report's page, of numbers made up for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from admoe_monai.data import Datalist
from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.evaluation.comparison import compare_predictions
from admoe_monai.evaluation.pages.report_page import Section, report_page
from admoe_monai.workflows.finished.report.controls import _removals
from admoe_monai.workflows.finished.report.findings import findings
from admoe_monai.workflows.finished.report.limits import limits
from admoe_monai.workflows.finished.report.summary import summary
from page_checks import read_page

CLASSES = {"diagnosis": ["CN", "MCI", "AD"]}


def table(counts: dict[str, int], right: float) -> PredictionTable:
    """People of one visit; of each class the first share is predicted right, the others as the next class."""
    rows = []
    for index, (name, count) in enumerate(counts.items()):
        for number in range(count):
            called = index if number < right * count else (index + 1) % 3
            probabilities = np.full(3, 0.2)
            probabilities[called] = 0.6
            row = {"subject_id": f"{name}{number}", "diagnosis": name}
            rows.append(row | {f"p_diagnosis_{n}": p for n, p in zip(CLASSES["diagnosis"], probabilities, strict=True)})
    return PredictionTable(pd.DataFrame(rows), CLASSES)


def numbers(counts: dict[str, int], right: float, baseline: float) -> dict[str, Any]:
    network, other = table(counts, right), table(counts, baseline)
    return {
        "test": evaluate_predictions(network, CLASSES, n_boot=200),
        "yardsticks": {"image alone": evaluate_predictions(other, CLASSES, n_boot=200)},
        "network_minus": {"image alone": {"diagnosis": compare_predictions(network, other, n_boot=200)}},
        "leakage": [],
    }


def shown(section: Section) -> list[list[str]]:
    return [row for block in section.blocks if block["kind"] == "table" for row in block["rows"]]


@pytest.mark.parametrize(
    ("right", "baseline", "verdict"),
    [
        (0.9, 0.4, "The network is better on people like these."),
        (0.4, 0.9, "The network is worse on people like these."),
        (0.5, 0.5, "No resample of these people tells them apart."),
        (1.0, 0.0, "Every resample of these people gives that difference, so that nothing says how sure it is."),
    ],
)
def test_the_paired_interval_decides_what_is_said_of_a_baseline(right: float, baseline: float, verdict: str) -> None:
    assert summary(numbers({"CN": 40, "MCI": 40, "AD": 40}, right, baseline))[1].endswith(verdict)


def test_two_that_call_everybody_the_same_are_not_too_few_people() -> None:
    def of(**counts: int) -> str:
        made = numbers(counts, 1.0, 1.0)
        constant = {"p_diagnosis_CN": 0.6, "p_diagnosis_MCI": 0.2, "p_diagnosis_AD": 0.2}
        frame = table(counts, 1.0).frame.assign(**constant)
        same = PredictionTable(frame, CLASSES)
        made["test"] = evaluate_predictions(same, CLASSES, n_boot=50)
        made["yardsticks"] = {"image alone": made["test"]}
        made["network_minus"] = {"image alone": {"diagnosis": compare_predictions(same, same, n_boot=50)}}
        return summary(made)[1]

    assert of(CN=100, AD=100).endswith("Both call everybody CN, so that nothing tells them apart.")
    assert of(CN=100, AD=4).endswith("So few people can't tell which of them is better.")


def test_digits_follow_the_number_of_people() -> None:
    many, few = (findings(numbers({"CN": n, "MCI": n, "AD": n}, 0.5, 0.5)) for n in (40, 20))
    assert shown(many)[0][:2] == ["balanced accuracy", "0.500"]
    assert shown(few)[0][:2] == ["balanced accuracy", "0.50"]


def test_a_thin_class_is_counted_beside_one_that_is_measured() -> None:
    rows = {row[0]: row[1:3] for row in shown(findings(numbers({"CN": 12, "MCI": 30, "AD": 4}, 0.5, 0.5)))}
    assert [name for name in rows if name.startswith("AUC")] == ["AUC, MCI against CN"]
    assert rows["balanced accuracy"][1] == "\N{EN DASH} 4 subjects labelled AD: too few for an interval"
    assert rows["mean F1"][1] == "\N{EN DASH} 4 subjects labelled AD: too few for an interval"
    by_class = {row[0]: row[1:] for row in shown(findings(numbers({"CN": 12, "MCI": 30, "AD": 4}, 0.5, 0.5)))}
    assert by_class["AD"] == ["4", "2 of 4", *["\N{EN DASH} too few people"] * 3]
    assert by_class["CN"][:1] == ["12"]
    assert by_class["CN"][1].startswith("0.50 [")
    assert by_class["CN"][1].endswith("] (6 of 12)")


def test_what_tells_a_class_from_few_others_is_not_shown() -> None:
    by_class = {row[0]: row[1:] for row in shown(findings(numbers({"CN": 60, "MCI": 0, "AD": 3}, 0.5, 0.5)))}
    assert by_class["CN"][1].startswith("0.5")
    assert by_class["CN"][2:] == ["\N{EN DASH} too few people of the others"] * 3


def test_accuracy_stands_after_balanced_accuracy_and_beside_the_largest_class() -> None:
    rows = shown(findings(numbers({"CN": 10, "MCI": 30, "AD": 10}, 0.5, 0.5)))
    assert [row[0] for row in rows[:3]] == ["balanced accuracy", "mean AUC, one-vs-rest", "accuracy"]
    assert rows[2][3] == "0.60 (always MCI)"


def test_a_class_that_nobody_has_is_said_once() -> None:
    section = findings(numbers({"CN": 12, "MCI": 12}, 0.5, 0.5))
    assert next(b["text"] for b in section.blocks if b["kind"] == "text").startswith("Nobody of them is labelled AD;")
    assert not any("AD" in row[0] for row in shown(section))


def test_experts_whose_removal_changes_nothing_are_one_sentence() -> None:
    nothing, something = Section(""), Section("")
    changes = {"shared": {"CN": 0.0, "AD": 0.0}, "ad": {"CN": 0.0, "AD": 0.0}}
    _removals(nothing, "diagnosis", changes, {"CN": 5, "AD": 4})
    _removals(something, "diagnosis", changes | {"ad": {"CN": 0.2, "AD": -0.5}}, {"CN": 5, "AD": 4})
    assert shown(nothing) == []
    assert "changes for no class how many of the 9 labelled test visits are right" in nothing.blocks[-1]["text"]
    assert shown(something) == [["shared", "0", "0"], ["ad", "+1", "-2"]]


def test_limits_are_sentences() -> None:
    said = limits(Datalist("made up", Path(), {}, simulated=True), numbers({"CN": 4, "MCI": 4, "AD": 4}, 0.5, 0.5))
    assert said[0] == "The scans are simulated: no figure here says anything about people."
    assert all(sentence.endswith(".") for sentence in said)


@pytest.mark.parametrize(
    ("split", "said"),
    [
        ({"seed": 1, "fractions": {"test": 0.25}}, "Training and test people are of one cohort; "),
        ({"seed": 1, "holdout": "site=B"}, "Test people are those of site B, which was held out: "),
        ({"seed": 1, "holdout": "field_strength"}, "Test people are those of field strength 3.0, which was held out: "),
        ({"seed": 1, "holdout": "scanner"}, "Test people are those of one scanner, which was held out: "),
        ("by hand", "Training and test people are of one cohort; "),
    ],
)
def test_limits_say_whether_the_test_people_were_held_out(split: Any, said: str) -> None:
    tesla = {"training": [1.5, None], "validation": [1.5], "test": [3.0, 1.5]}
    splits: Any = {name: [{"field_strength": value} for value in values] for name, values in tesla.items()}
    cohort = Datalist("made up", Path(), splits, label_definition={"split": split})
    assert limits(cohort, numbers({"CN": 4, "MCI": 4, "AD": 4}, 0.5, 0.5))[0].startswith(said)


def test_a_page_escapes_names_and_sets_commands_as_code() -> None:
    section = Section("<b>")
    section.text("run `admoe <x>`")
    section.table(["<i>"], [["<u>"]])
    html = report_page("<s>", ["<p>"], ["<q>"], [section, Section("empty")])
    page = read_page(html)
    assert {"<b>", "<i>", "<u>", "<s>", "<p>", "<q>", "admoe <x>"} <= {*page.texts}
    assert "<code>admoe &lt;x&gt;</code>" in html
    assert "empty" not in page.text
