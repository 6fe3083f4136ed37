"""What a study says of an arm: no more than its interval carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admoe_monai.evaluation.pages.wording import interval_of, value_of

CANNOT_TELL = "cannot tell"


def verdict(difference: Mapping[str, Any]) -> str:
    """Say whether an arm is better or worse than the reference, or that these people can't tell.

    Args:
        difference: Fields of an ``Estimate`` of a figure that is better when it is higher.
    """
    low, high = difference["low"], difference["high"]
    if low is None or high is None or low <= 0 <= high:
        return CANNOT_TELL
    return "better" if low > 0 else "worse"


def compared_cells(difference: Mapping[str, Any] | None, number: int) -> list[str]:
    """Write the difference of an arm to the reference, its interval and the verdict, in three cells.

    Args:
        difference: Fields of its ``Estimate``; None for the reference itself.
        number: Number of people that it rests on.
    """
    if difference is None:
        return ["", "", "reference"]
    return [value_of(difference, number, True), interval_of(difference, number, sign=True), verdict(difference)]


def figure_name(figure: str) -> str:
    """Write the name of a figure as people do."""
    return figure.replace("_", " ").replace("auc", "AUC")


def right_in_words(right: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    """Count per class what was right of how many tests; of several seeds, each.

    Args:
        right: Per class the number of each seed.
        figures: Result of ``evaluate_arms``: whom several divisions test, is tested more than once.
    """
    tests = figures["class_tests"]
    counted = ", ".join(f"{name} {'/'.join(map(str, seeds))} of {tests[name]}" for name, seeds in right.items())
    return counted if tests == figures["class_counts"] else f"{counted} tests"
