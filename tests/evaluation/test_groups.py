import numpy as np
import pandas as pd
import pytest

from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.evaluation.groups import evaluate_groups

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

    assert groups["sex"]["F"] == evaluate_predictions(PredictionTable(women, CLASSES), CLASSES, n_boot=100)
    assert groups["sex"]["F"]["diagnosis"]["metrics"]["accuracy"]["value"] == 1.0
    assert groups["sex"]["M"]["diagnosis"]["metrics"]["accuracy"]["value"] < 0.8


def test_ages_come_in_bands_of_ten_years_and_unknown_ones_in_none(table: PredictionTable) -> None:
    bands = evaluate_groups(table, n_boot=0)["age_band"]

    assert {name: band["diagnosis"]["n_subjects"] for name, band in bands.items()} == {"60 to 69": 29, "70 to 79": 30}


def test_a_grouping_with_one_group_of_five_people_is_left_out(table: PredictionTable) -> None:
    assert "site" not in evaluate_groups(table, n_boot=0)
    assert "scanner" not in evaluate_groups(table, n_boot=0)
