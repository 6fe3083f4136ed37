"""What the figures of a report do not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admoe_monai.data import Datalist
from admoe_monai.evaluation.pages.wording import MANY_PEOPLE, in_digits
from admoe_monai.evaluation.sample_size import people_for_width
from admoe_monai.people import FEWEST_PEOPLE, people

from .division import held_out
from .summary import BALANCED

#: Width of the interval that a study of its own would aim at.
WIDTH = 0.1


def limits(cohort: Datalist, numbers: Mapping[str, Any]) -> list[str]:
    """List the limits, one sentence each.

    Args:
        cohort: Cohort of the run.
        numbers: Numbers of the report.
    """
    return [
        *_of_the_cohort(cohort, numbers),
        *_of_missing_predictions(numbers),
        "Test figures are of the first labelled visit of each person. Intervals are 95 %, by drawing people anew; they cover "
        "which people were tested and nothing else. They are widened where people are few.",
        *_of_the_width(numbers),
        *([numbers["looks"]] if "looks" in numbers else []),
        "This is one training run: another seed or another division into splits gives other figures.",
        f"A class or group of fewer than {FEWEST_PEOPLE} people is counted and gets no interval; figures of fewer than "
        f"{MANY_PEOPLE} people have two decimals. metrics.json beside this page holds all digits.",
    ]


def _of_the_cohort(cohort: Datalist, numbers: Mapping[str, Any]) -> list[str]:
    found = [f"The run was trained in spite of a leak: {line}" for line in numbers["leakage"]]
    if cohort.simulated:
        return [*found, "The scans are simulated: no figure here says anything about people."]
    apart = held_out(cohort)
    whose = (
        f"Test people are those of {apart}, which was held out: how well those of yet another are predicted is not known from "
        "this."
        if apart
        else "Training and test people are of one cohort; whether another hospital's are predicted as well is not known from "
        "this."
    )
    return [
        *found,
        whose,
        "This page shows slices of people's scans: it is as confidential as they are.",
    ]


def _of_the_width(numbers: Mapping[str, Any]) -> list[str]:
    """Say how many people would tell the primary figure better; nothing where it has no interval to judge from."""
    task, figures = next(iter(numbers["test"].items()))
    low, high = (figures["metrics"][BALANCED][end] for end in ("low", "high"))
    if low is None or high is None:
        return []
    number = figures["n_subjects"]
    needed = people_for_width(low, high, number, WIDTH)
    return [
        f"The interval of balanced accuracy of {task} is {in_digits(high - low, number)} wide with {people(number)}. One of "
        f"{WIDTH:.2f} would take some {people(needed)}: an estimate, by width falling with the root of their number, for "
        "classes mixed as here."
    ]


def _of_missing_predictions(numbers: Mapping[str, Any]) -> list[str]:
    return [
        f"{figures['n_without_prediction']} labelled test visits have no prediction of {task} and are left out."
        for task, figures in numbers["test"].items()
        if figures["n_without_prediction"]
    ]
