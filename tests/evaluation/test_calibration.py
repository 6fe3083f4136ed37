import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.evaluation.calibration import (
    apply_temperatures,
    calibration_figures,
    calibration_remarks,
    fit_temperatures,
    temper,
)

CLASSES = {"diagnosis": ["CN", "MCI", "AD"]}


def overconfident(count: int, factor: float, seed: int = 0) -> PredictionTable:
    """Labels drawn from the softmax of logits, predicted with these logits times a factor."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.5, (count, 3))
    true = temper(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), 1.0)
    labels = [CLASSES["diagnosis"][random.choice(3, p=row)] for row in true]
    frame = pd.DataFrame({"subject_id": [f"s{n // 2}" for n in range(count)], "diagnosis": labels})
    frame[[f"p_diagnosis_{name}" for name in CLASSES["diagnosis"]]] = temper(true, 1 / factor)
    return PredictionTable(frame, CLASSES)


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_probabilities_too_sure_is_found(factor: float) -> None:
    fitted = fit_temperatures(overconfident(4000, factor))["diagnosis"]

    assert fitted["temperature"] == pytest.approx(factor, rel=0.08)
    assert (fitted["n_visits"], fitted["n_subjects"]) == (4000, 2000)
    assert fitted["after"]["log_loss"] <= fitted["before"]["log_loss"] + 1e-9
    assert fitted["after"]["ece"] < 0.03


def test_order_of_classes_stays_and_visits_without_a_prediction_too() -> None:
    table = overconfident(50, 3.0)
    frame = table.frame.copy()
    frame.loc[3, table.columns("diagnosis")] = np.nan
    cooled = apply_temperatures(PredictionTable(frame, CLASSES), {"diagnosis": 3.0})
    rows = [n for n in range(50) if n != 3]

    assert np.isnan(cooled.probabilities("diagnosis")[3]).all()
    before, after = (t.probabilities("diagnosis")[rows] for t in (table, cooled))
    assert (before.argsort(axis=1) == after.argsort(axis=1)).all()
    assert (after.max(axis=1) < before.max(axis=1)).all()


def test_calls_and_pairs_of_classes_stay_while_areas_against_the_rest_change() -> None:
    before = overconfident(400, 1.0)
    after = apply_temperatures(before, {"diagnosis": 4.0})
    first, second = (evaluate_predictions(t, CLASSES, n_boot=0)["diagnosis"]["metrics"] for t in (before, after))
    same = {name for name in first if first[name]["value"] == pytest.approx(second[name]["value"], abs=1e-9)}
    assert {"balanced_accuracy", "mcc", "auc_CN_vs_AD", "auc_CN_vs_MCI", "auc_MCI_vs_AD"} <= same
    assert not {"macro_auc", "auc_of_CN", "brier"} & same


def test_figures_are_those_worked_out_by_hand() -> None:
    figures = calibration_figures(np.array([[0.8, 0.2], [0.6, 0.4]]), np.array([0, 1]))

    assert figures["log_loss"] == pytest.approx(-(np.log(0.8) + np.log(0.4)) / 2)
    assert figures["brier"] == pytest.approx(((0.04 + 0.04) + (0.36 + 0.36)) / 2)
    assert figures["ece"] == pytest.approx(0.5 * 0.2 + 0.5 * 0.6)


def test_a_task_of_one_label_keeps_its_probabilities() -> None:
    table = overconfident(20, 2.0)
    table = PredictionTable(table.frame.assign(diagnosis="CN"), CLASSES)

    assert fit_temperatures(table)["diagnosis"]["temperature"] == 1.0


def test_a_temperature_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match="must be positive, got 0"):
        temper(np.ones((1, 2)) / 2, 0)


def test_a_temperature_that_rests_on_a_handful_of_people_is_said() -> None:
    (line,) = calibration_remarks(fit_temperatures(overconfident(18, 1.0)))
    assert line.startswith("calibration of diagnosis rests on 9 people of the validation split: its temperature may be")
    assert calibration_remarks(fit_temperatures(overconfident(400, 3.0))) == []


@pytest.mark.parametrize(
    ("sure", "right", "bound"),
    [(0.4, True, "lower bound: the network gets each"), (0.999, True, "lower"), (0.8, False, "upper bound: its prob")],
)
def test_a_temperature_at_its_bound_is_said(sure: float, right: bool, bound: str) -> None:
    labels = [CLASSES["diagnosis"][n % 3] for n in range(60)]
    frame = pd.DataFrame({"subject_id": [f"s{n}" for n in range(60)], "diagnosis": labels})
    for k, name in enumerate(CLASSES["diagnosis"]):
        said = [(n if right else n + 1) % 3 for n in range(60)]
        frame[f"p_diagnosis_{name}"] = [sure if label == k else (1 - sure) / 2 for label in said]
    (line,) = calibration_remarks(fit_temperatures(PredictionTable(frame, CLASSES)))
    assert f"went to its {bound}" in line


def test_a_flat_network_at_the_lower_bound_has_not_seen_these_visits() -> None:
    """Logits of a standard deviation of 0.01, of which 71 of 100 are highest for what is true."""
    truth, random = np.arange(100) % 3, np.random.default_rng(0)
    called = np.where(np.arange(100) < 71, truth, (truth + 1) % 3)
    logits = random.normal(0, 0.003, (100, 3)) + 0.02 * np.eye(3)[called]
    frame = pd.DataFrame({"subject_id": [f"s{n}" for n in range(100)]})
    frame["diagnosis"] = np.array(CLASSES["diagnosis"])[truth]
    frame[[f"p_diagnosis_{name}" for name in CLASSES["diagnosis"]]] = softmax(logits, axis=1)
    fitted = fit_temperatures(PredictionTable(frame, CLASSES))
    assert fitted["diagnosis"]["accuracy"] == 0.71
    (line,) = calibration_remarks(fitted)
    assert line.endswith("went to its lower bound: its probabilities hardly differ")
    del fitted["diagnosis"]["accuracy"]
    (line,) = calibration_remarks(fitted)
    assert line.endswith("as if it had seen them, or its probabilities hardly differ")
