"""Figures of a cross-validation are made within folds and averaged."""

from __future__ import annotations

import numpy as np
import pytest

from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.evaluation.folds import evaluate_folds

CLASSES = {"diagnosis": ["CN", "AD"]}


def fold(
    number: int, shift: float = 0.0, classes: tuple[str, ...] = ("CN", "AD"), subjects: int = 20
) -> PredictionTable:
    """Predictions that tell the classes apart to some degree; `shift` moves all scores of this network's."""
    random = np.random.default_rng(number)
    labels = [classes[k % len(classes)] for k in range(subjects)]
    score = np.array([label == "AD" for label in labels]) * 1.5 + random.normal(0, 1, subjects) + shift
    probability = 1 / (1 + np.exp(-score))
    visits = [
        {"image": f"{number}_{k}", "subject_id": f"{number}_{k}", "session_id": "1", "diagnosis": label}
        for k, label in enumerate(labels)
    ]
    return PredictionTable.from_visits(visits, {"diagnosis": np.stack([1 - probability, probability], 1)}, CLASSES)


def numbered(*tables: PredictionTable) -> dict[str, PredictionTable]:
    return {f"fold {number}": table for number, table in enumerate(tables, start=1)}


def test_the_mean_and_the_spread_are_those_of_the_folds() -> None:
    tables = [fold(number) for number in range(3)]
    found = evaluate_folds(numbered(*tables), n_boot=200)["diagnosis"]
    alone = [evaluate_predictions(table, CLASSES, n_boot=0)["diagnosis"]["metrics"] for table in tables]
    for name, entry in found["metrics"].items():
        values = [metrics[name]["value"] for metrics in alone]
        assert entry["folds"] == values
        assert entry["value"] == pytest.approx(np.mean(values))
        assert entry["spread"] == pytest.approx(np.std(values, ddof=1))
        assert entry["low"] < entry["value"] < entry["high"]
    assert (found["n_subjects"], found["n_visits"], found["n_by_fold"]) == (60, 60, [20, 20, 20])


def test_scores_of_different_networks_are_not_put_in_one_order() -> None:
    plain = evaluate_folds(numbered(fold(0), fold(1)), n_boot=0)["diagnosis"]["metrics"]["macro_auc"]["value"]
    moved = evaluate_folds(numbered(fold(0), fold(1, shift=5.0)), n_boot=0)["diagnosis"]["metrics"]["macro_auc"][
        "value"
    ]
    assert moved == pytest.approx(plain)


def test_more_folds_give_a_narrower_interval() -> None:
    def width(folds: int) -> float:
        entry = evaluate_folds(numbered(*map(fold, range(folds))))["diagnosis"]["metrics"]["balanced_accuracy"]
        return float(entry["high"] - entry["low"])

    assert width(8) == pytest.approx(width(2) / 2, rel=0.3)


def test_a_figure_that_a_fold_lacks_is_averaged_over_the_others_and_says_so() -> None:
    tables = [fold(0), fold(1, classes=("CN",)), fold(2)]
    entry = evaluate_folds(numbered(*tables), n_boot=100)["diagnosis"]["metrics"]["auc_CN_vs_AD"]
    assert (entry["n_folds"], entry["note"], entry["folds"][1]) == (2, "undefined in fold 2", None)
    assert entry["value"] == pytest.approx(np.mean([entry["folds"][0], entry["folds"][2]]))


def test_a_mean_over_fewer_classes_is_another_figure() -> None:
    found = evaluate_folds(numbered(fold(0), fold(1, classes=("CN",)), fold(2)), n_boot=50)["diagnosis"]["metrics"]
    for name in ("balanced_accuracy", "macro_f1", "mcc"):
        assert (found[name]["n_folds"], found[name]["folds"][1]) == (2, None)
    assert found["accuracy"]["n_folds"] == 3


def test_without_resamples_there_is_no_interval() -> None:
    entry = evaluate_folds(numbered(fold(0), fold(1)), n_boot=0)["diagnosis"]["metrics"]["accuracy"]
    assert (entry["low"], entry["high"]) == (None, None)


def test_a_subject_of_two_folds_is_refused() -> None:
    with pytest.raises(UserError, match=r"^fold 1 and fold 2 both test subject 0_0: they are no folds of a cohort$"):
        evaluate_folds(numbered(fold(0), fold(0)))


def test_other_classes_are_refused() -> None:
    other = PredictionTable(fold(1).frame.rename(columns={"p_diagnosis_AD": "p_diagnosis_MCI"}).assign(diagnosis=""), {
        "diagnosis": ["CN", "MCI"]
    })  # fmt: skip
    with pytest.raises(UserError, match=r"^fold 2 has other classes than fold 1"):
        evaluate_folds(numbered(fold(0), other))


def test_one_table_is_no_folds() -> None:
    with pytest.raises(UserError, match="two or more"):
        evaluate_folds(numbered(fold(0)))


def test_a_class_that_is_rare_in_all_folds_together_gets_no_interval() -> None:
    found = evaluate_folds(numbered(fold(0, subjects=8), fold(1, subjects=8)), n_boot=50)["diagnosis"]["metrics"]
    assert found["auc_CN_vs_AD"]["low"] is None
    assert found["auc_CN_vs_AD"]["note"] == "no interval: 8 subjects labelled CN"
    assert found["accuracy"]["low"] is not None
    enough = evaluate_folds(numbered(fold(0), fold(1)), n_boot=50)["diagnosis"]["metrics"]
    assert enough["auc_CN_vs_AD"]["low"] is not None
