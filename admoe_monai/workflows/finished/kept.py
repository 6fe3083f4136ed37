"""What other commands have left in a run directory, perhaps of another version: read and checked before it is used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

Read = TypeVar("Read")


def read_kept(path: Path, read: Callable[[Any], Read]) -> Read | None:
    """Read a JSON file; None where there is none, or one that can't be used.

    A report comes after hours of predicting, which a file beside it must not undo.

    Args:
        path: Path of the file.
        read: Takes what is needed from its content; what lacks or is of another kind may raise what it will.
    """
    try:
        return read(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError):
        return None


def check_estimate(estimate: Any) -> None:
    """Refuse what is no estimate that can be written on a page.

    Args:
        estimate: Fields of an ``Estimate``, perhaps.

    Raises:
        TypeError: If it is none.
        KeyError: If a field is missing.
    """
    numbers = [estimate[name] for name in ("value", "low", "high")]
    if not all(number is None or isinstance(number, int | float) for number in numbers):
        raise TypeError(f"{numbers} are no numbers")
    if not isinstance(estimate["note"], str | None):
        raise TypeError(f"{estimate['note']} is no note")
