"""Figures as a reader meets them: no more digits than the number of people carries, and a reason where one is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admoe_monai.evaluation.bootstrap import NEVER_VARIES
from admoe_monai.people import FEWEST_PEOPLE, people

DASH = "\N{EN DASH}"
#: From so many people on a third decimal says something: the standard error of a share is then 0.05 or less.
MANY_PEOPLE = 100


def missing(reason: str) -> str:
    """Stand in for a value that is not there.

    Args:
        reason: Reason why it is not.
    """
    return f"{DASH} {reason}"


def in_digits(value: float, number: int, sign: bool = False) -> str:
    """Round a figure to two decimals, or to three where many people stand behind it.

    Args:
        value: Figure to round.
        number: Number of people that it rests on.
        sign: Whether to write a plus before what is above zero.
    """
    places = 3 if number >= MANY_PEOPLE else 2
    rounded = round(value, places) + 0.0  # no negative zero
    return f"{rounded:{'+' if sign and rounded else ''}.{places}f}"


def never_varies(estimate: Mapping[str, Any]) -> bool:
    """Tell an estimate that is the same in every resample from one of too few people; neither has an interval.

    Args:
        estimate: Fields of an ``Estimate``.
    """
    return estimate["low"] is None and (estimate["note"] or "").endswith(NEVER_VARIES)


def value_of(estimate: Mapping[str, Any], number: int, sign: bool = False) -> str:
    """Write the value of an estimate, or why there is none.

    Args:
        estimate: Fields of an ``Estimate``.
        number: Number of people that it rests on.
        sign: Whether to write a plus before what is above zero.
    """
    if estimate["value"] is None:
        return missing(estimate["note"] or "undefined on these data")
    return in_digits(estimate["value"], number, sign)


def interval_of(estimate: Mapping[str, Any], number: int, whose: str = "", sign: bool = False) -> str:
    """Write the interval of an estimate, or why there is none.

    Args:
        estimate: Fields of an ``Estimate``.
        number: Number of people that it rests on; of several groups, that of the smallest.
        whose: Words after the number of people, such as ``with AD``.
        sign: Whether to write a plus before ends above zero.
    """
    if estimate["value"] is None:
        return missing("no value")
    if number < FEWEST_PEOPLE:
        return missing(f"{people(number)}{f' {whose}' if whose else ''}: too few for an interval")
    if estimate["low"] is None or estimate["high"] is None:
        reason = (estimate["note"] or "not computed").rpartition("no interval: ")[2]
        return missing(f"{reason}: too few for an interval" if " labelled " in reason else reason)
    return f"[{in_digits(estimate['low'], number, sign)}, {in_digits(estimate['high'], number, sign)}]"


def with_interval(estimate: Mapping[str, Any], number: int, sign: bool = False) -> str:
    """Write the value of an estimate and its interval in one cell.

    Args:
        estimate: Fields of an ``Estimate``.
        number: Number of people that it rests on.
        sign: Whether to write a plus before what is above zero.
    """
    value = value_of(estimate, number, sign)
    return value if estimate["value"] is None else f"{value} {interval_of(estimate, number, sign=sign)}"
