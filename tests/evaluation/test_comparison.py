from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.evaluation.comparison import compare_predictions

NAMES = ["CN", "AD"]


def table(noise_seed: int, n: int = 120, blunder: float = 0.0) -> PredictionTable:
    """Two visits per subject; the difficulty of a visit is the same for every ``noise_seed``."""
    difficulty = np.random.default_rng(0).normal(size=n)
    truth = np.arange(n) // 2 % 2
    score = truth * 1.5 + difficulty + np.random.default_rng(noise_seed).normal(size=n) * (0.1 + blunder)
    probability = 1 / (1 + np.exp(-score))
    frame = pd.DataFrame(
        {
            "subject_id": [f"s{k // 2:03d}" for k in range(n)],
            "session_id": [f"M{k % 2}" for k in range(n)],
            "days_from_baseline": [365.0 * (k % 2) for k in range(n)],
            "diagnosis": [NAMES[k] for k in truth],
            "p_diagnosis_CN": 1 - probability,
            "p_diagnosis_AD": probability,
        }
    )
    return PredictionTable(frame, {"diagnosis": NAMES})


def rows_of(given: PredictionTable, **changes: object) -> PredictionTable:
    return PredictionTable(given.frame.assign(**changes), given.classes)


def test_both_sides_are_the_figures_of_their_own_evaluation() -> None:
    first, second = table(1), table(2, blunder=2)
    result = compare_predictions(first, second, n_boot=50)
    for side, given in (("first", first), ("second", second)):
        metrics = evaluate_predictions(given, {"diagnosis": NAMES}, n_boot=0)["diagnosis"]["metrics"]
        for name, figure in metrics.items():
            assert result["differences"][name][side] == pytest.approx(figure["value"])
    auc = result["differences"]["auc_CN_vs_AD"]
    assert auc["value"] == pytest.approx(auc["first"] - auc["second"])
    assert (result["n_subjects"], result["n_visits"], result["n_unpaired"]) == (60, 60, 0)
    json.dumps(result, allow_nan=False)


def test_what_is_hard_for_both_cancels() -> None:
    first, second = table(1), table(2)
    paired = compare_predictions(first, second, n_boot=400)["differences"]["macro_auc"]
    alone = evaluate_predictions(first, {"diagnosis": NAMES}, n_boot=400)["diagnosis"]["metrics"]["macro_auc"]
    assert paired["high"] - paired["low"] < 0.3 * (alone["high"] - alone["low"])


def test_a_table_does_not_differ_from_itself() -> None:
    given = table(1)
    shuffled = PredictionTable(given.frame.sample(frac=1, random_state=0), given.classes)
    result = compare_predictions(given, shuffled, n_boot=20, one_visit_per_subject=False)
    assert {figure["value"] for figure in result["differences"].values()} == {0.0}
    assert (result["n_subjects"], result["n_visits"]) == (60, 120)


def test_visits_of_one_table_alone_are_left_out_and_counted() -> None:
    given = table(1)
    part = PredictionTable(given.frame.iloc[1:], given.classes)
    result = compare_predictions(given, part, n_boot=0, one_visit_per_subject=False)
    assert (result["n_visits"], result["n_unpaired"]) == (119, 1)
    assert compare_predictions(given, part, n_boot=0)["n_visits"] == 60


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subject_id": "other", "session_id": [f"M{k}" for k in range(120)]}, "no visit"),
        ({"session_id": "M0"}, "s000/M0 is listed twice"),
        ({"diagnosis": ["AD"] + ["CN"] * 119}, "disagree about the diagnosis of s000/M0"),
    ],
)
def test_tables_that_do_not_match_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        compare_predictions(table(1), rows_of(table(2), **change))


def test_other_classes_are_refused() -> None:
    given = table(1)
    swapped = PredictionTable(given.frame, {"diagnosis": ["AD", "CN"]})
    with pytest.raises(UserError, match="different classes"):
        compare_predictions(given, swapped)


def test_a_class_of_few_people_gets_no_interval_of_a_difference() -> None:
    few = [table(seed, 120).frame.query("diagnosis == 'CN' or subject_id < 's016'") for seed in (1, 5)]
    few[1] = few[1].assign(p_diagnosis_CN=0.3, p_diagnosis_AD=0.7)
    result = compare_predictions(*(PredictionTable(frame, {"diagnosis": NAMES}) for frame in few), n_boot=50)
    found = result["differences"]
    assert found["auc_CN_vs_AD"]["low"] is None
    assert found["auc_CN_vs_AD"]["note"] == "no interval: 8 subjects labelled AD"
    assert found["accuracy"]["low"] is not None
