from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.evaluation.baselines import (
    cross_validated_baseline,
    decision_tree,
    head_size_fractions,
    held_out_baseline,
    logistic_regression,
)

NAMES = ["CN", "MCI", "AD"]


def cohort(n_subjects: int = 60, separation: float = 2.0, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(n_subjects):
        signature = rng.normal(size=3)
        for visit in range(3):
            rows.append(
                {
                    "image": f"{k}_{visit}",
                    "subject_id": f"s{k:02d}",
                    "session_id": f"M{visit}",
                    "days_from_baseline": 365.0 * visit,
                    "diagnosis": NAMES[k % 3],
                    "volume": (k % 3) * separation + rng.normal(),
                    **{f"signature_{i}": value for i, value in enumerate(signature)},
                }
            )
    frame = pd.DataFrame(rows)
    frame.loc[frame.index[::7], "volume"] = np.nan
    return frame


def balanced_accuracy(table: PredictionTable) -> float:
    result = evaluate_predictions(table, table.classes, n_boot=0, one_visit_per_subject=False)
    return float(result["diagnosis"]["metrics"]["balanced_accuracy"]["value"])


def test_a_subject_lies_in_one_fold_and_every_labelled_visit_is_predicted_once() -> None:
    frame = cohort()
    frame.loc[0, "diagnosis"] = None
    table = cross_validated_baseline(frame, ["volume"], NAMES)
    assert len(table.frame) == len(frame) - 1
    assert (table.frame.groupby("subject_id")["fold"].nunique() == 1).all()
    assert not np.isnan(table.probabilities("diagnosis")).any()


def test_a_feature_that_tells_the_classes_apart_is_used() -> None:
    assert balanced_accuracy(cross_validated_baseline(cohort(separation=3.0), ["volume"], NAMES)) > 0.8


def test_a_subjects_fingerprint_gives_nothing_beyond_chance() -> None:
    features = ["signature_0", "signature_1", "signature_2"]
    values = [balanced_accuracy(cross_validated_baseline(cohort(seed=s), features, NAMES, seed=s)) for s in range(6)]
    assert np.mean(values) == pytest.approx(1 / 3, abs=0.07)


def test_held_out_predictions_do_not_depend_on_the_other_test_visits() -> None:
    training, test = cohort(seed=1), cohort(seed=2)
    test["subject_id"] = "t" + test["subject_id"]
    whole = held_out_baseline(training, test, ["volume"], NAMES)
    part = held_out_baseline(training, test.iloc[:2], ["volume"], NAMES)
    np.testing.assert_array_equal(part.probabilities("diagnosis"), whole.probabilities("diagnosis")[:2])
    assert balanced_accuracy(whole) > 0.6


def test_a_tree_reads_codes_without_order_and_missing_values_which_regression_does_not() -> None:
    frame = cohort()
    generator = np.random.default_rng(0)
    outside = frame["diagnosis"].eq("CN")
    # One class on both sides of the other, and one known by its gaps.
    frame["code"] = np.where(outside, generator.choice([1.0, 3.0], len(frame)), 2.0)
    frame["gap"] = np.where(outside, np.nan, 2.0)
    for feature in ("code", "gap"):
        tree, line = (
            balanced_accuracy(
                cross_validated_baseline(frame.query("diagnosis != 'MCI'"), [feature], NAMES[::2], model=model)
            )
            for model in (decision_tree, logistic_regression)
        )
        assert tree == 1.0
        assert line < 0.8


def test_a_feature_without_any_value_is_worth_nothing() -> None:
    assert balanced_accuracy(
        cross_validated_baseline(cohort().assign(empty=np.nan), ["empty"], NAMES)
    ) == pytest.approx(1 / 3, abs=0.05)


def test_a_rare_class_is_not_drowned() -> None:
    frame = cohort(120, separation=1.0).query("diagnosis != 'MCI'")
    rare = sorted(frame.loc[frame["diagnosis"] == "AD", "subject_id"].unique())[:8]
    frame = frame[(frame["diagnosis"] == "CN") | frame["subject_id"].isin(rare)]
    table = cross_validated_baseline(frame, ["volume"], ["CN", "AD"])
    result = evaluate_predictions(table, {"diagnosis": ["CN", "AD"]}, n_boot=0, one_visit_per_subject=False)
    metrics = result["diagnosis"]["metrics"]
    assert metrics["recall_AD"]["value"] == pytest.approx(metrics["recall_CN"]["value"], abs=0.2)


def test_two_classes_can_be_compared_alone() -> None:
    table = cross_validated_baseline(cohort(), ["volume"], ["CN", "AD"])
    assert set(table.frame["diagnosis"]) == {"CN", "AD"}
    assert table.probabilities("diagnosis").shape[1] == 2


def test_a_subject_on_both_sides_is_refused() -> None:
    with pytest.raises(UserError, match="'s00'"):
        held_out_baseline(cohort(), cohort(), ["volume"], NAMES)


def test_a_class_without_training_visits_is_refused() -> None:
    training = cohort().query("diagnosis != 'AD'")
    with pytest.raises(UserError, match="'AD' does not occur"):
        held_out_baseline(training, cohort().assign(subject_id="x"), ["volume"], NAMES)


@pytest.mark.parametrize(
    ("features", "names", "folds", "message"),
    [
        (["hippocampus"], NAMES, 5, "'hippocampus'"),
        (["session_id"], NAMES, 5, "session_id must be numbers"),
        (["volume"], NAMES, 21, "20 subjects"),
        (["volume"], ["pMCI", "sMCI"], 5, "pMCI"),
    ],
)
def test_unusable_input_is_refused(features: list[str], names: list[str], folds: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        cross_validated_baseline(cohort(), features, names, folds=folds)


def test_volumes_are_divided_by_head_size() -> None:
    table = pd.DataFrame({"hippocampus_mm3": [3000.0, 3500.0], "head_size_mm3": [1.5e6, 1.4e6], "age": [70, 80]})
    fractions = head_size_fractions(table)
    assert list(fractions["hippocampus_fraction"]) == pytest.approx([0.002, 0.0025])
    assert list(fractions.columns) == [*table.columns, "hippocampus_fraction"]


def test_a_missing_or_zero_head_size_is_refused() -> None:
    with pytest.raises(UserError, match="head_size_mm3"):
        head_size_fractions(pd.DataFrame({"hippocampus_mm3": [3000.0]}))
    with pytest.raises(UserError, match="must be positive"):
        head_size_fractions(pd.DataFrame({"head_size_mm3": [0.0]}))


OASIS2 = Path(__file__).parents[3] / "shared" / "data" / "oasis2_slices" / "oasis_longitudinal.csv"


@pytest.mark.realdata
@pytest.mark.skipif(not OASIS2.exists(), reason="the OASIS-2 table is not on this machine")
@pytest.mark.parametrize(
    ("features", "expected"),
    [
        (["Age", "male", "EDUC", "eTIV", "nWBV"], (0.51, 0.41, 0.60)),
        (["Age", "male", "EDUC"], (0.32, 0.24, 0.40)),
    ],
)
def test_oasis2_gives_the_figures_known_for_it(features: list[str], expected: tuple[float, float, float]) -> None:
    """All 247 visits train and are evaluated, in stratified folds of subjects; diagnosis is CDR 0, 0.5, 1 and above."""
    table = pd.read_csv(OASIS2).rename(columns={"Subject ID": "subject_id", "MR Delay": "days_from_baseline"})
    table["diagnosis"] = pd.cut(table["CDR"], [-0.1, 0.1, 0.6, 3], labels=NAMES).astype(str)
    table["male"] = table["M/F"].eq("M")
    predictions = cross_validated_baseline(table, features, NAMES)
    result = evaluate_predictions(predictions, {"diagnosis": NAMES}, one_visit_per_subject=False)["diagnosis"]
    assert (result["n_subjects"], result["n_visits"]) == (99, 247)
    figure = result["metrics"]["balanced_accuracy"]
    assert (figure["value"], figure["low"], figure["high"]) == pytest.approx(expected, abs=0.01)
