"""Intervals of shares of people, by hand and by whom they rest on."""

from __future__ import annotations

import numpy as np
import pytest

from admoe_monai.evaluation.behind import grounds
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
    found = grounds(names, counts, 67, [("CN", "AD"), ("MCI", "AD")])
    behind = {name: ground.people for name, ground in found.items()}
    assert behind["auc_CN_vs_AD"] == 15
    assert behind["auc_of_CN"] == 27
    assert behind["average_precision_MCI"] == behind["recall_MCI"] == 12
    assert behind["specificity_CN"] == 27
    assert behind["balanced_accuracy"] == behind["macro_auc"] == behind["mcc"] == 27
    assert behind["accuracy"] == behind["brier"] == 67
    assert {ground.few for ground in found.values()} == {None}


def test_of_whom_there_are_too_few_is_said() -> None:
    found = grounds(["stable", "conversion"], {"stable": 36, "conversion": 6}, 42, [("stable", "conversion")])
    few = {name: ground.few for name, ground in found.items()}
    assert few["accuracy"] is few["brier"] is few["recall_stable"] is few["specificity_conversion"] is None
    for name in ("balanced_accuracy", "auc_stable_vs_conversion", "recall_conversion", "auc_of_conversion"):
        assert few[name] == "6 subjects labelled conversion", name
    for name in ("mcc", "specificity_stable", "auc_of_stable", "average_precision_stable"):
        assert few[name] == "6 subjects not labelled stable", name


def test_of_one_class_a_mean_rests_on_all() -> None:
    ground = grounds(["CN", "AD"], {"CN": 9, "AD": 0}, 9, [])["balanced_accuracy"]
    assert (ground.classes, ground.people, ground.few) == (["CN"], 9, "9 subjects labelled CN")
