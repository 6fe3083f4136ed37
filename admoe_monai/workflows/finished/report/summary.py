"""What a report says first: the primary figure, and whether less would have done as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admoe_monai.evaluation.pages.wording import in_digits, interval_of, missing, never_varies
from admoe_monai.people import FEWEST_PEOPLE, people

BALANCED = "balanced_accuracy"


def summary(numbers: Mapping[str, Any]) -> list[str]:
    """Say in sentences how well the labels of the test split were predicted: of the first task also beside the baselines.

    Args:
        numbers: Numbers of the report.
    """
    sentences = []
    for place, task in enumerate(numbers["test"]):
        sentences.append(_primary(task, numbers["test"][task]))
        if place == 0 and numbers["test"][task]["n_subjects"]:
            sentences += [
                _comparison(name, compared[task], numbers["test"][task], numbers["yardsticks"][name][task])
                for name, compared in numbers["network_minus"].items()
                if task in compared and BALANCED in compared[task]["differences"]
            ]
    return sentences


def right_by_class(figures: Mapping[str, Any]) -> str:
    """Count what was right of each class that occurs.

    Args:
        figures: Result of ``evaluate_predictions`` for a task.
    """
    rows = zip(figures["classes"], figures["confusion"], strict=True)
    counted = [f"{name} {row[place]} of {sum(row)}" for place, (name, row) in enumerate(rows) if sum(row)]
    return ", ".join(counted) or missing("no labelled visit")


def _primary(task: str, figures: Mapping[str, Any]) -> str:
    number, metric = figures["n_subjects"], figures["metrics"][BALANCED]
    if metric["value"] is None:
        return f"Balanced accuracy of {task} on the test split: {missing(metric['note'])}."
    return (
        f"Balanced accuracy of {task} is {in_digits(metric['value'], number)} on the test split "
        f"({_interval(metric, number)}; {people(number)}, one visit each); guessing reaches "
        f"{in_digits(metric['chance'], number)}. Right: {right_by_class(figures)}."
    )


def _comparison(name: str, compared: Mapping[str, Any], network: Mapping[str, Any], baseline: Mapping[str, Any]) -> str:
    number, difference = compared["n_subjects"], compared["differences"][BALANCED]
    own = baseline["metrics"][BALANCED]["value"]
    reached = "" if own is None else f", at {in_digits(own, number)}"
    verdict = _verdict(difference, number) or _alike(difference, _only_call(network), _only_call(baseline))
    return (
        f"Against {name}{reached}: {in_digits(difference['value'], number, sign=True)} for the network "
        f"({_interval(difference, number, sign=True)}). {verdict}"
    )


def _interval(estimate: Mapping[str, Any], number: int, sign: bool = False) -> str:
    return f"95 % interval {interval_of(estimate, number, sign=sign)}"


def _verdict(difference: Mapping[str, Any], number: int) -> str | None:
    """Say which is better; None where people are enough and no resample gives another difference."""
    low, high = difference["low"], difference["high"]
    if number >= FEWEST_PEOPLE and never_varies(difference):
        return None
    if number < FEWEST_PEOPLE or low is None or high is None:
        return "So few people can't tell which of them is better."
    if low > 0:
        return "The network is better on people like these."
    if high < 0:
        return "The network is worse on people like these."
    return "That holds zero: these people don't show which of them is better."


def _alike(difference: Mapping[str, Any], network: str | None, baseline: str | None) -> str:
    if difference["value"]:
        return "Every resample of these people gives that difference, so that nothing says how sure it is."
    if network is not None and network == baseline:
        return f"Both call everybody {network}, so that nothing tells them apart."
    return "No resample of these people tells them apart."


def _only_call(figures: Mapping[str, Any]) -> str | None:
    """Find the class that everybody is called; None where several are."""
    columns = zip(figures["classes"], zip(*figures["confusion"], strict=True), strict=True)
    called = [name for name, column in columns if any(column)]
    return called[0] if len(called) == 1 else None
