import numpy as np
import pandas as pd
import pytest

from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.evaluation.groups import differences_in, evaluate_groups

CLASSES = {"diagnosis": ["CN", "AD"]}


@pytest.fixture
def table() -> PredictionTable:
    """Sixty people; the model is right for women and guesses for men."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 60)
    sex = np.where(np.arange(60) % 2 == 0, "F", "M")
    p = np.where(sex == "F", 0.1 + 0.8 * truth, random.uniform(0, 1, 60))
    frame = pd.DataFrame(
        {
            "subject_id": [f"s{n}" for n in range(60)],
            "diagnosis": [CLASSES["diagnosis"][k] for k in truth],
            "sex": sex,
            "age": np.where(np.arange(60) < 30, 65.5, 74.0),
            "site": ["a"] * 57 + ["b"] * 3,
            "p_diagnosis_CN": 1 - p,
            "p_diagnosis_AD": p,
        }
    )
    frame.loc[3, "age"] = np.nan
    return PredictionTable(frame, CLASSES)


def test_each_group_is_evaluated_alone(table: PredictionTable) -> None:
    groups = evaluate_groups(table, n_boot=100)
    women = table.frame[table.frame["sex"] == "F"]

    alone = {name: value for name, value in groups["sex"]["F"]["diagnosis"].items() if name != "minus_others"}
    assert {"diagnosis": alone} == evaluate_predictions(PredictionTable(women, CLASSES), CLASSES, n_boot=100)
    assert groups["sex"]["F"]["diagnosis"]["metrics"]["accuracy"]["value"] == 1.0
    assert groups["sex"]["M"]["diagnosis"]["metrics"]["accuracy"]["value"] < 0.8


def test_ages_come_in_bands_of_ten_years_and_unknown_ones_in_none(table: PredictionTable) -> None:
    bands = evaluate_groups(table, n_boot=0)["age_band"]

    assert {name: band["diagnosis"]["n_subjects"] for name, band in bands.items()} == {"60 to 69": 29, "70 to 79": 30}


def test_a_grouping_with_one_group_of_five_people_is_left_out(table: PredictionTable) -> None:
    assert "site" not in evaluate_groups(table, n_boot=0)
    assert "scanner" not in evaluate_groups(table, n_boot=0)


def test_first_and_later_visits_are_told_apart() -> None:
    table = visits(right_later=0.5)
    groups = evaluate_groups(table, n_boot=200)["visit"]

    assert {name: group["diagnosis"]["n_subjects"] for name, group in groups.items()} == {"first": 40, "later": 40}
    assert groups["first"]["diagnosis"]["metrics"]["balanced_accuracy"]["value"] == 1.0
    assert groups["later"]["diagnosis"]["minus_others"]["value"] == pytest.approx(-0.5)


def test_the_difference_to_the_others_has_an_interval_over_people(table: PredictionTable) -> None:
    sexes = evaluate_groups(table, n_boot=500)["sex"]
    values = {sex: sexes[sex]["diagnosis"]["metrics"]["balanced_accuracy"]["value"] for sex in "FM"}
    minus = sexes["F"]["diagnosis"]["minus_others"]

    assert minus["value"] == pytest.approx(values["F"] - values["M"])
    assert 0 < minus["low"] < minus["value"] < minus["high"]
    assert sexes["M"]["diagnosis"]["minus_others"]["value"] == pytest.approx(-minus["value"])


def test_whoever_has_visits_in_both_groups_is_drawn_for_both() -> None:
    # Each person is as right at the later visit as at the first: drawn for both, the difference is always zero.
    same = evaluate_groups(visits(right_later=1.0, right_first=0.5, together=True), n_boot=200)["visit"]["later"]
    assert same["diagnosis"]["minus_others"]["value"] == 0
    assert same["diagnosis"]["minus_others"]["note"] == "no interval: every resample gives the same value"


def test_groups_of_other_classes_or_of_few_people_have_no_difference_to_tell(table: PredictionTable) -> None:
    frame = table.frame.assign(site=np.where(table.frame["diagnosis"] == "AD", "a", "b"))
    frame.loc[frame["diagnosis"].eq("CN").idxmax(), "site"] = "a"
    found = evaluate_groups(PredictionTable(frame, CLASSES), n_boot=50)["site"]["b"]["diagnosis"]["minus_others"]
    assert (found["value"], found["note"]) == (None, "AD on one side alone")

    few = evaluate_groups(PredictionTable(table.frame.assign(site=["a"] * 9 + ["b"] * 51), CLASSES), n_boot=50)["site"]
    assert few["a"]["diagnosis"]["minus_others"]["low"] is None
    assert few["a"]["diagnosis"]["minus_others"]["note"].startswith("no interval: ")
    assert differences_in({"site": few}) == 0


def visits(right_later: float, right_first: float = 1.0, together: bool = False) -> PredictionTable:
    """Forty people with two visits; of each class, so many are called right at each."""
    rows = []
    for number in range(40):
        truth = number % 2
        for visit, share in enumerate((right_first, right_first if together else right_later)):
            p = 0.9 if number // 2 < 20 * share else 0.1
            p = p if truth else 1 - p
            row = {"subject_id": f"s{number}", "session_id": f"v{visit}", "days_from_baseline": 300.0 * visit}
            rows.append({**row, "diagnosis": CLASSES["diagnosis"][truth], "p_diagnosis_CN": 1 - p, "p_diagnosis_AD": p})
    return PredictionTable(pd.DataFrame(rows[::-1]), CLASSES)


def test_classes_of_one_task_are_groups_of_the_others(table: PredictionTable) -> None:
    converts = np.arange(60) % 3 == 0
    frame = table.frame.assign(
        change=np.where(converts, "conversion", "stable"), p_change_stable=0.9, p_change_conversion=0.1
    )
    classes = {**CLASSES, "change": ["stable", "conversion"]}
    groups = evaluate_groups(PredictionTable(frame, classes), n_boot=0)

    assert {name: [*tasks] for name, tasks in groups["diagnosis"].items()} == {"AD": ["change"], "CN": ["change"]}
    counts = groups["diagnosis"]["CN"]["change"]["class_counts"]
    controls = frame["diagnosis"] == "CN"
    assert counts["conversion"]["subjects"] == (controls & converts).sum()
    assert [*groups["change"]["stable"]] == ["diagnosis"]
    assert "diagnosis" not in evaluate_groups(table, n_boot=0)
