"""Intervals of shares of people, by hand and by whom they rest on."""

from __future__ import annotations

import numpy as np
import pytest

from admoe_monai.evaluation.behind import classes_behind, people_behind
from admoe_monai.evaluation.shares import share_estimates


def wilson(right: int, number: int, z: float = 1.959964) -> tuple[float, float]:
    share, half = right / number, z * np.sqrt(right * (number - right) / number**3 + z**2 / (4 * number**2))
    low, high = ((share + z**2 / (2 * number) + side * half) / (1 + z**2 / number) for side in (-1, 1))
    return float(low), float(high)


def test_shares_are_those_of_the_people_counted() -> None:
    truth = np.array([0] * 12 + [1] * 10 + [2] * 14)
    predicted = np.array([0] * 12 + [1] * 4 + [2] * 6 + [2] * 13 + [0])
    found = share_estimates(truth, predicted, ["CN", "MCI", "AD"])
    for name, right, number in (
        ("accuracy", 29, 36), ("recall_CN", 12, 12), ("recall_MCI", 4, 10), ("recall_AD", 13, 14),
        ("specificity_CN", 23, 24), ("specificity_MCI", 26, 26), ("specificity_AD", 16, 22),
    ):  # fmt: skip
        assert found[name].value == pytest.approx(right / number), name
        assert (found[name].low, found[name].high) == pytest.approx(wilson(right, number), abs=1e-6), name


def test_where_all_are_right_the_interval_says_how_little_that_means() -> None:
    found = share_estimates(np.zeros(10, dtype=int), np.zeros(10, dtype=int), ["CN", "AD"])
    assert (found["accuracy"].low, found["accuracy"].high) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert "recall_AD" not in found


def test_a_figure_rests_on_the_smaller_of_what_it_tells_apart() -> None:
    counts, names = {"CN": 40, "MCI": 12, "AD": 15}, ["CN", "MCI", "AD"]
    behind = people_behind(classes_behind(names, names, [("CN", "AD"), ("MCI", "AD")]), counts, 67)
    assert behind["auc_CN_vs_AD"] == 15
    assert behind["auc_of_CN"] == 27
    assert behind["average_precision_MCI"] == behind["recall_MCI"] == 12
    assert behind["specificity_CN"] == 27
    assert behind["balanced_accuracy"] == behind["macro_auc"] == behind["mcc"] == 27
    assert behind["accuracy"] == behind["brier"] == 67


def test_of_one_class_a_mean_rests_on_all() -> None:
    assert people_behind({"balanced_accuracy": ["CN"]}, {"CN": 9, "AD": 0}, 9) == {"balanced_accuracy": 9}
