"""What each word of a mapping's entry for a cell may hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from ..visits import VISIT_FIELDS, is_boundless

__all__ = ["value_problem", "wrong_values"]

#: Kinds of what the cells of a mapping's ``visit`` give, beside the fields of a visit.
_TIMES: dict[str, tuple[type, ...]] = {"date": (int,), "months": (int, float)}


def wrong_values(cell: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield each word of an entry that holds what it can't, with that and what it must be.

    Args:
        cell: The entry, whose words are known ones.
    """
    for word, (fits, must) in _WORDS.items():
        if word in cell and not fits(cell[word]):
            yield word, cell[word], f"it must be {must}"


def value_problem(name: str, value: Any) -> str:
    """Say why a field of a visit can't hold a value; empty if it can.

    Args:
        name: The field, or ``date`` or ``months``.
        value: Value of its cell, not None.
    """
    kinds = VISIT_FIELDS.get(name) or _TIMES[name]
    day: Any = value
    if not isinstance(value, kinds) or isinstance(value, bool):
        return f"{value!r} for {name}, which must be {'text' if kinds == (str,) else 'a number: name its kind'}"
    if is_boundless(value) or (name == "date" and not 1 <= day <= date.max.toordinal()):
        return f"a number for {name} that is larger than any that can be right"
    return ""


def _is_plain(value: Any) -> bool:
    """Text, a number or nothing; what YAML makes of yes and no, and of dates, is none of these."""
    return value is None or (
        isinstance(value, (str, int, float)) and not isinstance(value, bool) and not is_boundless(value)
    )


def _are(fits: Callable[[Any], bool], at_least: int = 1) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and len(value) >= at_least and all(map(fits, value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_codes(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(map(_is_plain, (*value, *value.values())))


def _is_pattern(value: Any, groups: int = 1) -> bool:
    try:
        return isinstance(value, str) and re.compile(value).groups >= groups
    except (re.error, RecursionError, OverflowError):
        return False


def _is_range(value: Any) -> bool:
    numbers = isinstance(value, list) and len(value) == 2 and all(map(_is_plain, value))
    return numbers and not any(isinstance(end, (str, type(None))) for end in value) and value[0] <= value[1]


def _are_courses(value: Any) -> bool:
    return (
        isinstance(value, dict) and all(map(_is_text, value)) and all(_is_pattern(text, 0) for text in value.values())
    )


_PLAIN = "text, a number or null (quote yes, no and dates)"
_WORDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "column": (lambda value: _is_text(value) or _are(_is_text)(value), "a name, or a list of names"),
    "any_of": (_are(lambda part: isinstance(part, dict)), "a list of cells"),
    "values": (_are_codes, f"codes and their values, each {_PLAIN}"),
    "pattern": (_is_pattern, "a regular expression with a group"),
    "empty": (_is_plain, _PLAIN),
    "missing": (_are(_is_plain, 0), f"a list of codes, each {_PLAIN}"),
    "range": (_is_range, "two numbers, the smaller first"),
    "role": (_is_text, "text"),
    "banned_for": (_are(_is_text, 0), "a list of tasks"),
    "course": (_are_courses, "a regular expression per value"),
}
