"""Figures of arms over folds and seeds, against values by hand and against those of folds alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from admoe_monai.errors import UserError
from admoe_monai.evaluation.arms import evaluate_arms
from admoe_monai.evaluation.folds import evaluate_folds
from admoe_monai.evaluation.predictions import PredictionTable
from admoe_monai.workflows.studies.wording import right_in_words

CLASSES = {"diagnosis": ["CN", "AD"]}


def table(right: dict[str, int], people: int = 10, fold: int = 0, noise: int | None = None) -> PredictionTable:
    """One visit of this many people per class, of whom the first are called right; with noise, chances are drawn."""
    rows = []
    random = np.random.default_rng(noise)
    for label, number in right.items():
        for n in range(people):
            p_right = (0.9 if n < number else 0.2) if noise is None else random.uniform(0.2, 1)
            p_ad = p_right if label == "AD" else 1 - p_right
            rows.append({"subject_id": f"{fold}-{label}-{n}", "session_id": "1", "diagnosis": label})
            rows[-1] |= {"p_diagnosis_CN": 1 - p_ad, "p_diagnosis_AD": p_ad}
    return PredictionTable(pd.DataFrame(rows), CLASSES)


def test_figures_are_averaged_over_seeds_then_over_folds() -> None:
    # Balanced accuracies 0.75 and 0.65 in the first fold, 0.9 and 0.9 in the second.
    arm = [
        [table({"CN": 10, "AD": 5}), table({"CN": 7, "AD": 6})],
        [table({"CN": 9, "AD": 9}, fold=1), table({"CN": 10, "AD": 8}, fold=1)],
    ]
    other = [[table({"CN": 5, "AD": 5})], [table({"CN": 6, "AD": 6}, fold=1)]]

    found = evaluate_arms({"full": arm, "less": other}, "diagnosis", "full", n_boot=200)

    metric = found["arms"]["full"]["metrics"]["balanced_accuracy"]
    assert metric["value"] == pytest.approx((0.70 + 0.90) / 2)
    assert metric["values"] == [[pytest.approx(0.75), pytest.approx(0.65)], [pytest.approx(0.9), pytest.approx(0.9)]]
    assert metric["spread_folds"] == pytest.approx(0.2 / np.sqrt(2))
    assert metric["spread_seeds"] == pytest.approx(np.sqrt(0.1**2 / 2 / 2))
    assert metric["low"] < metric["value"] < metric["high"]
    assert metric["spread_people"] == pytest.approx((metric["high"] - metric["low"]) / (2 * 1.96), rel=0.2)
    difference = found["differences"]["less"]["balanced_accuracy"]
    assert difference["value"] == pytest.approx((0.5 + 0.6) / 2 - 0.8)
    assert difference["high"] < 0
    assert found["arms"]["full"]["right"] == {"CN": [19, 17], "AD": [14, 14]}
    assert found["class_counts"] == {"CN": 20, "AD": 20}
    assert [fold["n_subjects"] for fold in found["folds"]] == [20, 20]


def test_one_seed_gives_the_figures_and_intervals_of_folds() -> None:
    folds = [table({"CN": 0, "AD": 0}, fold=k, noise=k) for k in range(3)]
    expected = evaluate_folds({str(k): fold for k, fold in enumerate(folds)}, n_boot=300)["diagnosis"]["metrics"]

    found = evaluate_arms({"full": [[fold] for fold in folds]}, "diagnosis", "full", n_boot=300)

    for name, metric in found["arms"]["full"]["metrics"].items():
        for key in ("value", "low", "high"):
            assert metric[key] == pytest.approx(expected[name][key]), (name, key)


def test_a_person_tested_twice_is_drawn_once() -> None:
    once, again = table({"CN": 6, "AD": 7}), table({"CN": 6, "AD": 7})

    alone = evaluate_arms({"full": [[once]]}, "diagnosis", "full", n_boot=300)
    twice = evaluate_arms({"full": [[once], [again]]}, "diagnosis", "full", n_boot=300)

    for found in (alone, twice):
        assert found["n_subjects"] == 20
    assert twice["arms"]["full"]["right"] == {"CN": [12], "AD": [14]}
    assert (twice["class_counts"], twice["class_tests"]) == ({"CN": 10, "AD": 10}, {"CN": 20, "AD": 20})
    assert right_in_words(twice["arms"]["full"]["right"], twice) == "CN 12 of 20, AD 14 of 20 tests"
    assert right_in_words(alone["arms"]["full"]["right"], alone) == "CN 6 of 10, AD 7 of 10"
    first, second = (f["arms"]["full"]["metrics"]["balanced_accuracy"] for f in (alone, twice))
    assert (second["low"], second["high"]) == pytest.approx((first["low"], first["high"]))


def test_a_fold_without_a_class_has_no_mean_over_classes() -> None:
    whole, lacking = table({"CN": 6, "AD": 7}), table({"CN": 9}, people=12, fold=1)
    found = evaluate_arms({"full": [[whole], [lacking]]}, "diagnosis", "full", n_boot=50)["arms"]["full"]["metrics"]
    assert found["balanced_accuracy"]["values"] == [[pytest.approx(0.65)], [None]]
    assert found["balanced_accuracy"]["value"] == pytest.approx(0.65)
    assert found["balanced_accuracy"]["note"] == "undefined in fold 2"
    assert found["accuracy"]["values"] == [[pytest.approx(0.65)], [pytest.approx(0.75)]]


def test_arms_that_are_right_on_the_same_people_have_no_difference() -> None:
    same = [[table({"CN": 6, "AD": 7})], [table({"CN": 6, "AD": 7}, fold=1)]]
    difference = evaluate_arms({"a": same, "b": same}, "diagnosis", "a", n_boot=50)["differences"]["b"]
    assert difference["balanced_accuracy"]["value"] == 0
    assert difference["balanced_accuracy"]["low"] is None


def test_fewer_than_ten_people_of_a_class_give_counts() -> None:
    arm = [[table({"CN": 3, "AD": 2}, people=4)], [table({"CN": 1, "AD": 4}, people=4, fold=1)]]
    found = evaluate_arms({"full": arm, "less": arm}, "diagnosis", "full", n_boot=50)
    own = found["arms"]["full"]
    assert own["metrics"]["balanced_accuracy"]["value"] is None
    assert own["metrics"]["recall_AD"]["note"] == "no figure: 8 subjects labelled AD"
    assert own["right"] == {"CN": [4], "AD": [6]}
    assert found["differences"]["less"]["balanced_accuracy"]["value"] is None


def test_visits_that_one_arm_lacks_are_left_out_of_all_and_counted() -> None:
    whole, part = table({"CN": 6, "AD": 7}, people=12), table({"CN": 6, "AD": 7}, people=12)
    part = PredictionTable(part.frame[1:], CLASSES)
    found = evaluate_arms({"full": [[whole]], "less": [[part]]}, "diagnosis", "full", n_boot=50)
    assert found["folds"][0] == {"n_subjects": 23, "class_counts": {"CN": 11, "AD": 12}, "n_unpaired": 1}
    assert found["arms"]["full"]["right"]["CN"] == [5]


def test_arms_of_other_labels_are_refused() -> None:
    honest, wrong = table({"CN": 6, "AD": 7}), table({"CN": 6, "AD": 7})
    frame = wrong.frame.assign(diagnosis=wrong.frame["diagnosis"].map({"CN": "AD", "AD": "CN"}))
    with pytest.raises(UserError, match="arms disagree about the diagnosis"):
        evaluate_arms({"a": [[honest]], "b": [[PredictionTable(frame, CLASSES)]]}, "diagnosis", "a")
    other = PredictionTable(honest.frame.rename(columns={"p_diagnosis_AD": "p_diagnosis_MCI"}).replace("AD", "MCI"),
                            {"diagnosis": ["CN", "MCI"]})  # fmt: skip
    with pytest.raises(UserError, match="other classes"):
        evaluate_arms({"a": [[honest]], "b": [[other]]}, "diagnosis", "a")
