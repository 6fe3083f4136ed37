"""Net benefit against values by hand, and how many people a width takes."""

from __future__ import annotations

import numpy as np
import pytest

from admoe_monai.evaluation.decision_curve import decision_curves, decision_figure, decision_in_words, net_benefit
from admoe_monai.evaluation.sample_size import people_for_width

MEMBERS = np.array([True] * 4 + [False] * 6)
PROBABILITY = np.array([0.9, 0.6, 0.2, 0.1, 0.7, 0.3, 0.1, 0.1, 0.1, 0.1])


def test_net_benefit_is_that_of_a_calculation_by_hand() -> None:
    # From 0.2 on: 3 of 4 members and 2 of 6 others, of 10; from 0.5 on: 2 and 1.
    assert net_benefit(PROBABILITY, MEMBERS, [0.2, 0.5]) == pytest.approx([0.3 - 0.2 * 0.25, 0.2 - 0.1 * 1.0])
    # Acting on everyone: the share of the class, less that of the rest at the odds of the threshold.
    assert net_benefit(np.ones(10), MEMBERS, [0.2, 0.4, 0.5]) == pytest.approx([0.4 - 0.6 / 4, 0, -0.2])


def test_a_perfect_network_has_the_share_of_the_class_everywhere() -> None:
    curves = decision_curves(np.eye(2)[[1] * 4 + [0] * 6], MEMBERS.astype(int), ["rest", "class"])
    assert curves["class"]["network"] == pytest.approx([0.4] * 99)
    assert (
        decision_in_words("class", curves["class"])
        == "class (4 against 6): at 99 of 99 thresholds, between 0.01 and 0.99"
    )


def test_a_network_that_says_the_same_of_everyone_is_of_no_use() -> None:
    curves = decision_curves(np.full((10, 2), 0.5), MEMBERS.astype(int), ["rest", "class"])
    assert decision_in_words("class", curves["class"]).startswith("class (4 against 6): at no threshold")
    curve = curves["class"]
    assert curve["network"][:50] == pytest.approx(curve["everyone"][:50])
    assert curve["network"][50:] == [0] * 49


def test_classes_that_nobody_or_everybody_has_are_left_out() -> None:
    assert decision_curves(np.full((4, 3), 1 / 3), np.array([0, 0, 1, 1]), ["a", "b", "c"]).keys() == {"a", "b"}
    assert decision_curves(np.full((4, 2), 0.5), np.zeros(4, int), ["a", "b"]) == {}


def test_a_picture_has_three_lines_of_two_classes_and_no_one() -> None:
    figure = decision_figure(decision_curves(np.full((4, 2), 0.5), np.array([0, 1, 1, 1]), ["a", "b"]))
    (axis,) = figure.axes
    assert axis.get_legend_handles_labels()[1] == [
        "no one", "network, a (1)", "everyone, as if a", "network, b (3)", "everyone, as if b",
    ]  # fmt: skip
    assert axis.get_ylim()[0] < 0 < 0.75 < axis.get_ylim()[1]


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_threshold_is_between_0_and_1(threshold: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        net_benefit(PROBABILITY, MEMBERS, [threshold])


def test_a_third_of_the_width_takes_nine_times_the_people() -> None:
    assert people_for_width(0.4, 0.7, 40, 0.1) == 360
    assert people_for_width(0.50, 0.55, 400, 0.1) == 100
    with pytest.raises(ValueError, match="above 0"):
        people_for_width(0.4, 0.7, 40, 0.0)
