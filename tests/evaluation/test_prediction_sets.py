"""Prediction sets: the thresholds, what is in a set, and how often it holds the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable
from admoe_monai.evaluation.pages.text import format_sets
from admoe_monai.evaluation.prediction_sets import (
    evaluate_sets,
    fewest_for,
    fit_sets,
    least_probability,
    set_remarks,
    sizes_in_words,
    with_sets,
)

CLASSES = {"diagnosis": ["CN", "AD"]}


def table(own: dict[str, list[float]]) -> PredictionTable:
    """People of one visit, by the probability of their own class."""
    rows = [
        {"subject_id": f"{name}{n}", "diagnosis": name, "p_diagnosis_CN": p if name == "CN" else 1 - p}
        for name, probabilities in own.items()
        for n, p in enumerate(probabilities)
    ]
    frame = pd.DataFrame(rows)
    return PredictionTable(frame.assign(p_diagnosis_AD=1 - frame["p_diagnosis_CN"]), CLASSES)


def fitted(cn: float, ad: float) -> dict[str, dict[str, object]]:
    own = {name: {"least_probability": p, "n_subjects": 20} for name, p in (("CN", cn), ("AD", ad))}
    return {"diagnosis": {"promised": 0.9, "classes": own}}


@pytest.mark.parametrize(
    ("number", "promised", "rank"),
    [(9, 0.9, 9), (10, 0.9, 10), (19, 0.9, 18), (20, 0.9, 19), (99, 0.9, 90), (69, 0.9, 63), (24, 0.56, 14)],
)
def test_the_threshold_is_the_probability_of_the_person_that_conformal_prediction_names(
    number: int, promised: float, rank: int
) -> None:
    own = np.random.default_rng(0).permutation(np.linspace(1, 0.1, number))
    assert least_probability(own, promised) == np.linspace(1, 0.1, number)[rank - 1]


@pytest.mark.parametrize(("promised", "fewest"), [(0.9, 9), (0.8, 4), (0.95, 19)])
def test_of_too_few_people_every_set_holds_the_class(promised: float, fewest: int) -> None:
    assert fewest_for(promised) == fewest
    assert least_probability(np.full(fewest - 1, 0.7), promised) == 0
    assert least_probability(np.full(fewest, 0.7), promised) == 0.7


def test_a_share_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"between 0 and 1, got 1\.0"):
        least_probability(np.ones(5), 1.0)


def test_one_visit_of_each_person_fits_the_threshold() -> None:
    once = table({"CN": [0.9] * 12, "AD": [0.8] * 12}).frame.assign(session_id="1", days_from_baseline=0.0)
    later = once.assign(p_diagnosis_CN=0.5, p_diagnosis_AD=0.5, session_id="2", days_from_baseline=400.0)
    sets = fit_sets(PredictionTable(pd.concat([later, once]), CLASSES))["diagnosis"]["classes"]
    assert sets["CN"] == {"least_probability": 0.9, "n_subjects": 12}
    assert sets["AD"] == {"least_probability": pytest.approx(0.8), "n_subjects": 12}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("people", [20, 50])
def test_each_class_is_held_as_often_as_theory_says(people: int, classes: int) -> None:
    random = np.random.default_rng([people, classes])
    held = np.zeros(classes)
    for _ in range(1000):
        for k in range(classes):
            # The classes are unlike each other in how sure the network is of them.
            fit, test = (random.beta(1 + 2 * k, 2, number) for number in (people, 40))
            held[k] += (test >= least_probability(fit, 0.9)).mean() / 1000
    assert held == pytest.approx(np.ceil(0.9 * (people + 1)) / (people + 1), abs=0.012)


def test_what_is_found_is_counted_by_class_and_by_size() -> None:
    tested = table({"CN": [0.9] * 10 + [0.5] * 3 + [0.2], "AD": [0.95, 0.5, 0.5, 0.6, 0.1]})
    (found,) = evaluate_sets(tested, fitted(0.5, 0.5), n_boot=200).values()
    cn, ad = found["classes"]["CN"], found["classes"]["AD"]
    assert (found["n_subjects"], found["sizes"]) == (19, [0, 14, 5])
    assert found["mean_size"]["value"] == pytest.approx(24 / 19)
    assert (cn["held"], cn["n_subjects"], cn["coverage"]["value"]) == (13, 14, pytest.approx(13 / 14))
    assert cn["coverage"]["low"] < 13 / 14 < cn["coverage"]["high"] + 1e-9
    assert (ad["held"], ad["n_subjects"], ad["coverage"]["low"]) == (4, 5, None)
    assert ad["coverage"]["note"] == "no interval: 5 subjects labelled AD"


def test_the_text_counts_few_people_and_says_what_is_promised() -> None:
    tested = table({"CN": [0.9] * 10 + [0.2], "AD": [0.95, 0.5, 0.1]})
    text = " ".join(format_sets(evaluate_sets(tested, fitted(0.5, 0.5), n_boot=200)).split())
    assert "diagnosis: CN 90% 91% 10 of 11 [" in text
    assert "diagnosis: AD 90% - 2 of 3 - 20 people" in text
    assert "diagnosis: one class in 13, 2 classes in 1, none in 0 of 14 sets; 1.071 on average" in text


def test_nobody_has_a_class_or_a_prediction() -> None:
    tested = table({"CN": [0.9] * 10})
    none = PredictionTable(tested.frame.assign(p_diagnosis_CN=np.nan, p_diagnosis_AD=np.nan), CLASSES)
    assert evaluate_sets(tested, fitted(0.5, 0.5), 10)["diagnosis"]["classes"]["AD"]["coverage"]["value"] is None
    found = evaluate_sets(none, fitted(0.0, 0.0), 10)
    assert (found["diagnosis"]["n_subjects"], found["diagnosis"]["sizes"]) == (0, [0, 0, 0])
    assert "diagnosis: CN in every set - 0 of 0 - 20 people" in " ".join(format_sets(found).split())
    assert [*with_sets(none, fitted(0.0, 0.0)).frame["diagnosis_set"]] == [""] * 10


def test_a_column_joins_the_classes_of_each_set() -> None:
    tested = with_sets(table({"CN": [0.9, 0.5, 0.3]}), fitted(0.5, 0.45))
    assert [*tested.frame["diagnosis_set"]] == ["CN", "CN|AD", "AD"]
    assert [*with_sets(table({"CN": [0.5]}), fitted(0.6, 0.6)).frame["diagnosis_set"]] == [""]
    with pytest.raises(UserError, match="need the column diagnosis_set, which is something else"):
        with_sets(tested, fitted(0.5, 0.5))


def test_a_class_without_a_threshold_is_said() -> None:
    (line,) = set_remarks(fit_sets(table({"CN": [0.9] * 9, "AD": [0.8] * 8})))
    assert line == (
        "AD of diagnosis is in every prediction set: 90% of its people can't be promised by 8 people of the validation split "
        "(9 or more are needed)"
    )


def test_sizes_are_counted_in_words() -> None:
    assert sizes_in_words([1, 20, 5, 2]) == "one class in 20, 2 classes in 5, 3 classes in 2, none in 1"
