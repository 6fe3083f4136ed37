"""Kinds of settings: the check of a value, with an error of one line when it fails."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

from admoe_monai.errors import UserError

#: Check of a setting's value by its name and value; raises a `UserError` that states both and what the value should be.
Kind = Callable[[str, Any], None]

#: Number that YAML 1.1 reads as a text, as it has no point.
NUMBER_AS_TEXT = re.compile(r"[-+]?\d+e[-+]?\d+", re.IGNORECASE)


def number_as_text(text: str) -> str:
    """Say how to write a number that YAML has read as a text.

    Args:
        text: The number, as `NUMBER_AS_TEXT` finds it.
    """
    mantissa, _, exponent = text.lower().partition("e")
    return f"write {mantissa}.0e{exponent}: YAML reads {text} as text"


def _hint(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return f" ({number_as_text(value) if NUMBER_AS_TEXT.fullmatch(value) else 'a number has no quotes'})"


def number(
    least: float | None = None,
    *,
    above: float | None = None,
    below: float | None = None,
    whole: bool = False,
    optional: bool = False,
) -> Kind:
    """Build the kind of a number in a range.

    Args:
        least: Smallest value allowed.
        above: Bound that is not allowed itself.
        below: Bound from the other side, likewise not allowed itself.
        whole: Whether only integers are allowed.
        optional: Whether null is a value too.
    """
    bounds = [
        (least, operator.ge, "at least"),
        (above, operator.gt, "above"),
        (below, operator.lt, "below"),
    ]
    or_null = ", or null" if optional else ""

    def check(name: str, value: Any) -> None:
        if optional and value is None:
            return
        if not is_number(value):
            raise UserError(f"{name} must be a number{or_null}, got {value!r}{_hint(value)}")
        if not math.isfinite(value):
            raise UserError(f"{name} must be a finite number{or_null}, got {value}")
        for bound, holds, words in bounds:
            if bound is not None and not holds(value, bound):
                raise UserError(f"{name} must be {words} {bound}{or_null}, got {value}")
        if whole and not isinstance(value, int):
            raise UserError(f"{name} must be a whole number, got {value!r}")

    return check


def count(least: int = 1, *, optional: bool = False) -> Kind:
    """Build the kind of an integer.

    Args:
        least: Smallest value allowed.
        optional: Whether null is a value too.
    """
    return number(least, whole=True, optional=optional)


def choice(*values: Any) -> Kind:
    """Build the kind of a setting with a few values.

    Args:
        values: Values allowed, all of them.
    """

    def check(name: str, value: Any) -> None:
        if not any(value is known or (value == known and type(value) is type(known)) for known in values):
            raise UserError(f"{name} must be one of {', '.join(map(str, values))}, got {value!r}")

    return check


def text(name: str, value: Any) -> None:
    """Check a text that has to be there."""
    if not isinstance(value, str) or not value:
        raise UserError(
            f"{name} must be a text, got {value!r}; in a config file, numbers, dates and words like no and on need quotes"
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{name} is no UTF-8: {value!r}; rename the file or folder") from error


def optional_text(name: str, value: Any) -> None:
    """Check a text, or null."""
    if value is not None:
        text(name, value)


def path(name: str, value: Any) -> None:
    """Check a path that has to be there; what lies at its end is looked at by whoever opens it."""
    text(name, value)


def optional_path(name: str, value: Any) -> None:
    """Check a path, or null."""
    optional_text(name, value)


def texts(name: str, value: Any) -> None:
    """Check a list of different texts, or null."""
    if value is not None and not (_is_list(value) and all(isinstance(part, str) and part for part in value)):
        raise UserError(f"{name} must be a list of texts, got {value!r}")


def class_names(name: str, value: Any) -> None:
    """Check lists of two or more class names, one list per task."""
    if not isinstance(value, dict) or not value:
        raise UserError(f"{name} must name the classes of each task, such as {{diagnosis: [CN, AD]}}, got {value!r}")
    for task, names in value.items():
        if not str(task).isidentifier():
            raise UserError(f"{name} has the task {task!r}, which must be a word: it names a field of the datalist")
        if not _is_list(names) or len(names) < 2 or len({*map(str, names)}) < len(names):
            raise UserError(f"{name}_{task} must list two or more different names, got {names!r}")
        for entry in names:
            text(f"{name}_{task}", entry)


def files_of_phases(name: str, value: Any) -> None:
    """Check lists of config files, one list per phase or one for all."""
    lists = value.values() if isinstance(value, dict) else [value]
    for files in lists:
        if not _is_list(files) or not all(isinstance(file, str) and file for file in files):
            raise UserError(
                f"{name} must be a list of config files, or one per phase: {{pretrain: [], finetune: []}}, got {value!r}"
            )


def mapping(name: str, value: Any) -> None:
    """Check a mapping whose contents other code checks."""
    if not isinstance(value, dict):
        raise UserError(f"{name} must be a mapping of names to values, got {value!r}")


def anything(name: str, value: Any) -> None:
    """Leave a value to whatever is built from it, which says more about it."""


def is_number(value: Any) -> bool:
    """Tell numbers from texts and from True and False."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
