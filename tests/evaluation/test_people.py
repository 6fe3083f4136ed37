"""One person under two names is one person in every figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from admoe_monai.data.visits import first_visits
from admoe_monai.errors import UserError
from admoe_monai.evaluation.arms import evaluate_arms
from admoe_monai.evaluation.baselines import held_out_baseline
from admoe_monai.evaluation.comparison import compare_predictions
from admoe_monai.evaluation.evaluate import evaluate_predictions
from admoe_monai.evaluation.folds import evaluate_folds
from admoe_monai.evaluation.groups import evaluate_groups
from admoe_monai.evaluation.predictions import PredictionTable

CLASSES = {"diagnosis": ["CN", "AD"]}


def two_names(number: int = 20, seed: int = 0) -> pd.DataFrame:
    """Visits of people who were scanned in two cohorts, under another name in each."""
    random = np.random.default_rng(seed)
    of_ad = random.uniform(0.05, 0.95, 2 * number)
    people = [f"p{k}" for k in range(number)] * 2
    return pd.DataFrame({
        "subject_id": [f"{cohort}:{k}" for cohort in "ab" for k in range(number)],
        "person_id": people,
        "session_id": ["1"] * 2 * number,
        "days_from_baseline": [0.0] * number + [300.0] * number,
        "diagnosis": ["CN", "AD"] * number,
        "sex": ["F", "F", "M", "M"] * (number // 2),
        "p_diagnosis_CN": 1 - of_ad,
        "p_diagnosis_AD": of_ad,
    })  # fmt: skip


def test_people_are_counted_and_drawn_once() -> None:
    table = PredictionTable(two_names(), CLASSES)
    first = evaluate_predictions(table, CLASSES, n_boot=200)["diagnosis"]
    assert (first["n_subjects"], first["n_visits"]) == (20, 20)
    every = evaluate_predictions(table, CLASSES, n_boot=200, one_visit_per_subject=False)["diagnosis"]
    assert (every["n_subjects"], every["n_visits"]) == (20, 40)
    apart = evaluate_predictions(two_names().drop(columns="person_id"), CLASSES, n_boot=200)["diagnosis"]
    assert apart["n_subjects"] == 40


def test_no_person_means_the_subject() -> None:
    frame = two_names().assign(person_id=[None, "", np.nan, "same", "same", *["x"] * 35])
    assert [*PredictionTable(frame, CLASSES).people()[:5]] == ["a:0", "a:1", "a:2", "same", "same"]


def test_differences_folds_and_groups_are_of_people() -> None:
    one, other = (PredictionTable(two_names(seed=seed), CLASSES) for seed in (0, 1))
    compared = compare_predictions(one, other, n_boot=100)
    assert (compared["n_subjects"], compared["n_visits"]) == (20, 20)
    assert evaluate_arms({"one": [[one]], "other": [[other]]}, "diagnosis", "one", n_boot=100)["n_subjects"] == 20
    groups = evaluate_groups(one, n_boot=100, one_visit_per_subject=False)
    assert groups["visit"]["first"]["diagnosis"]["n_visits"] == 20
    halves = {name: PredictionTable(one.frame[one.frame["subject_id"].str.startswith(name)], CLASSES) for name in "ab"}
    with pytest.raises(UserError, match="a and b both test subject p"):
        evaluate_folds(halves, n_boot=100)


def test_a_regression_is_not_tested_on_whom_it_was_fitted_on() -> None:
    frame = two_names().assign(age=np.arange(40.0))
    with pytest.raises(UserError, match="is in the training and in the test set: 20 such subjects"):
        held_out_baseline(frame[:20], frame[20:], ["age"], CLASSES["diagnosis"])


def test_a_class_called_truth_is_a_class() -> None:
    classes = {"diagnosis": ["truth", "AD"]}
    frame = two_names().drop(columns="person_id").replace({"diagnosis": {"CN": "truth"}})
    frame = frame.rename(columns={"p_diagnosis_CN": "p_diagnosis_truth"})
    same = compare_predictions(PredictionTable(frame, classes), PredictionTable(frame, classes), n_boot=0)
    as_ever = evaluate_predictions(frame, classes, n_boot=0)["diagnosis"]["metrics"]
    assert same["differences"]["accuracy"]["first"] == as_ever["accuracy"]["value"]


def test_the_first_visit_is_the_one_of_the_figures() -> None:
    days = [None, 200, 0, 100]
    visits = [
        {"subject_id": name, "session_id": str(k), "days_from_baseline": day}
        for k, (name, day) in enumerate(zip("aabb", days, strict=True))
    ]
    assert sorted(first_visits(visits)) == [1, 2]
