"""Figures under conditions: paired differences, the rule of few people, what is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.evaluation.comparison import compare_predictions
from admoe_monai.evaluation.pages.stress_picture import stress_figure, stress_png
from admoe_monai.evaluation.stress import format_stress, stress_figures, surely_other, verdict

CLASSES = {"diagnosis": ["CN", "AD"]}


def table(number: int, right: float, seed: int = 0) -> PredictionTable:
    """People of two classes, of whom a share is called right."""
    random = np.random.default_rng(seed)
    truth = np.arange(number) % 2
    sure = np.where(random.permutation(number) < right * number, 0.8, 0.3) + random.uniform(-0.1, 0.1, number)
    p = np.where(truth == 1, sure, 1 - sure)
    columns = {"subject_id": [f"s{n}" for n in range(number)], "p_diagnosis_CN": 1 - p, "p_diagnosis_AD": p}
    return PredictionTable(pd.DataFrame({**columns, "diagnosis": np.array(CLASSES["diagnosis"])[truth]}), CLASSES)


def test_each_condition_has_its_figures_and_its_paired_difference() -> None:
    tables = {"undisturbed": table(60, 0.9), "noise": table(60, 0.5, seed=1)}
    found = stress_figures(tables, n_boot=200)["diagnosis"]
    assert (found["n_subjects"], found["class_counts"]) == (60, {"CN": 30, "AD": 30})
    for name, each in tables.items():
        own = evaluate_predictions(each, CLASSES, n_boot=200)["diagnosis"]["metrics"]
        assert found["conditions"][name]["metrics"] == {
            figure: own[figure] for figure in ("balanced_accuracy", "macro_auc")
        }
    compared = compare_predictions(tables["noise"], tables["undisturbed"], n_boot=200)["differences"]
    assert found["conditions"]["noise"]["minus"] == {f: compared[f] for f in ("balanced_accuracy", "macro_auc")}
    assert found["conditions"]["undisturbed"]["minus"] == {}
    called = [each.probabilities("diagnosis").argmax(1) for each in tables.values()]
    assert found["conditions"]["noise"]["other_calls"] == (called[0] != called[1]).sum() > 0
    assert found["conditions"]["undisturbed"]["other_calls"] == 0


def test_what_is_surely_worse_is_told_from_what_cannot_be_told() -> None:
    tables = {"undisturbed": table(60, 0.9), "noise": table(60, 0.4, seed=1), "blur": table(60, 0.88)}
    conditions = stress_figures(tables, n_boot=300)["diagnosis"]["conditions"]
    assert surely_other(conditions) == (["noise"], [], 4)
    said = " ".join(verdict(conditions))
    assert "Worse, with an interval below zero: noise." in said
    assert "Of 4 intervals of 95 %, about 0.2 exclude zero by chance alone." in said


def test_fewer_than_ten_people_of_a_class_get_no_interval_and_no_verdict() -> None:
    tables = {"undisturbed": table(18, 0.9), "noise": table(18, 0.2, seed=1)}
    found = stress_figures(tables, n_boot=100)
    minus = found["diagnosis"]["conditions"]["noise"]["minus"]["balanced_accuracy"]
    assert (minus["low"], minus["note"]) == (None, "no interval: 9 subjects labelled CN")
    assert verdict(found["diagnosis"]["conditions"]) == ["So few people can't tell what any of these changes."]


def test_what_moves_in_no_resample_is_not_put_down_to_few_people() -> None:
    frame = table(200, 0.9).frame
    constant = PredictionTable(frame.assign(p_diagnosis_CN=0.7, p_diagnosis_AD=0.3), CLASSES)
    other = PredictionTable(frame.assign(p_diagnosis_CN=0.3, p_diagnosis_AD=0.7), CLASSES)
    perfect = table(200, 2.0)

    def said(first: PredictionTable, second: PredictionTable) -> str:
        found = stress_figures({"undisturbed": first, "noise": second}, n_boot=50)
        return " ".join(verdict(found["diagnosis"]["conditions"]))

    assert said(constant, constant) == (
        "No figure changes in any resample of these people. All are called what they were."
    )
    assert said(constant, other) == "No figure changes in any resample of these people."
    assert said(perfect, constant).startswith("Every resample of these people gives the same differences")


def test_a_task_without_labels_is_left_out() -> None:
    known = table(20, 0.9)
    both = {**CLASSES, "change": ["stable", "conversion"]}
    frame = known.frame.assign(p_change_stable=0.5, p_change_conversion=0.5)
    assert [*stress_figures({"undisturbed": PredictionTable(frame, both)}, n_boot=0)] == ["diagnosis"]


def test_the_text_is_no_wider_than_it_may_be_and_has_both_figures() -> None:
    tables = {"undisturbed": table(60, 0.9), "bias field 0.4 of the gain": table(60, 0.4, seed=1)}
    text = format_stress(stress_figures(tables, n_boot=100))
    assert max(map(len, text.splitlines()[:-3])) <= 100
    assert "balanced accuracy" in text
    assert "mean AUC" in text
    assert "bias field 0.4 of the gain" in text
    assert "diagnosis: 60 subjects (CN 30, AD 30), first labelled visit of each" in text


@pytest.mark.parametrize("known", [True, False])
def test_pictures_hold_every_strength_and_intervals_where_there_are_some(known: bool) -> None:
    estimate = {"value": 0.7, "low": 0.6 if known else None, "high": 0.8 if known else None}
    points = {
        "diagnosis": [(0.0, estimate), (2.0, estimate)],
        "change": [(0.0, estimate), (2.0, {**estimate, "value": None})],
    }
    axis = stress_figure("mm", points).axes[0]
    assert [*axis.get_xticks()] == [0.0, 2.0]
    assert len(axis.lines) == 2 + 3 * known
    assert stress_png({"blur": ("mm", points), "voxels": ("mm", points)}).startswith(b"\x89PNG")
