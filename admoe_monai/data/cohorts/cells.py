"""One cell of a table to a value, by a few words of a mapping that say what it means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from ..tables import EMPTY_CELLS

__all__ = ["CELL_KEYS", "cell_problem", "columns_of", "is_present", "read_cell"]

#: Words that describe a cell; ``role`` and ``banned_for`` go with prior columns only.
CELL_KEYS = frozenset({"column", "any_of", "kind", "values", "pattern", "empty", "missing", "range"})
CELL_KINDS = ("number", "continuous", "categorical", "date", "viscode")
DATE_FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y%m%d")
# Screening, baseline and the scan of the screening; "f" is a failed screening.
BASELINE_CODES = frozenset({"bl", "sc", "scmri", "f", "v01", "v02"})


def columns_of(cell: Mapping[str, Any]) -> list[str]:
    """Names of the columns that a cell may be read from, in order of preference.

    Args:
        cell: as a mapping describes it: ``column`` (a name, or several of which the first present one counts) or
            ``any_of`` (cells of which the first filled one counts).
    """
    if "any_of" in cell:
        return [name for part in cell["any_of"] for name in columns_of(part)]
    column = cell["column"]
    return [column] if isinstance(column, str) else list(column)


def is_present(cell: Mapping[str, Any], columns: Sequence[str]) -> bool:
    """Whether a table with these columns has the cell."""
    return bool(set(columns_of(cell)) & set(columns))


def read_cell(row: Mapping[str, str], cell: Mapping[str, Any], missing: Sequence[Any] = ()) -> Any:
    """Read a cell.

    Args:
        row: text by column.
        cell: what it means: ``kind`` (``number``; ``date``, which gives days; ``viscode``, which gives months; text
            otherwise), ``values`` (code to value, others are refused), ``pattern`` (a regular expression whose first
            group is kept), ``missing`` (codes that mean nothing), ``empty`` (what an empty cell means) and ``range``
            (smallest and largest number that can be right).
        missing: codes that mean nothing in every column of the table.

    Returns:
        The value, None where there is none.

    Raises:
        ValueError: naming column and content, if it is not understood.
    """
    if "any_of" in cell:
        values = (read_cell(row, part, missing) for part in cell["any_of"])
        return next((value for value in values if value is not None), cell.get("empty"))
    column = next((name for name in columns_of(cell) if name in row), None)
    text = "" if column is None else row[column].strip()
    if text.lower() in EMPTY_CELLS or _is_one_of(text, (*missing, *cell.get("missing", ()))):
        return cell.get("empty")
    if "pattern" in cell:
        match = re.search(cell["pattern"], text)
        if match is None:
            raise ValueError(f"column '{column}' holds {text!r}, which does not match {cell['pattern']}")
        text = match[1]
    if "values" in cell:
        for code, value in cell["values"].items():
            if _is_one_of(text, (code,)):
                return value
        raise ValueError(f"column '{column}' holds the unknown code {text!r}")
    kind = cell.get("kind")
    if kind in ("number", "continuous"):
        return _in_range(_number_or_raise(text, column), text, column, cell.get("range"))
    if kind == "date":
        return _day(text, column)
    if kind == "viscode":
        return _months(text, column)
    return text


def cell_problem(cell: Any, required: Sequence[str] = (), allowed: Sequence[str] = ()) -> str:
    """What is wrong with the description of a cell; empty if nothing is.

    Args:
        cell: as the mapping's file holds it.
        required: words that must be there beside a column.
        allowed: words beyond those of every cell.
    """
    known = CELL_KEYS | set(required) | set(allowed)
    if not isinstance(cell, dict) or not set(required) <= set(cell) or ("column" in cell) == ("any_of" in cell):
        return f"needs {', '.join(['column', *sorted(required)])}, got {cell!r}"
    if unknown := sorted(set(cell) - known):
        return f"has the unknown word '{unknown[0]}'; known are {', '.join(sorted(known))}"
    if cell.get("kind") not in (None, *CELL_KINDS):
        return f"has the unknown kind {cell['kind']!r}; known are {', '.join(CELL_KINDS)}"
    parts: Iterator[str] = (cell_problem(part) for part in cell.get("any_of", ()))
    return next((problem for problem in parts if problem), "")


def _is_one_of(text: str, codes: Sequence[Any]) -> bool:
    """Whether a cell holds a code, which may be a number written in another way."""
    return any(text == str(code) or (not isinstance(code, str) and _number(text) == code) for code in codes)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    # Infinity is no measurement, and JSON can't hold it.
    return number if number - number == 0 else None


def _number_or_raise(text: str, column: str | None) -> float:
    number = _number(text)
    if number is None:
        raise ValueError(f"column '{column}' holds {text!r}, which is not a number")
    return number


def _in_range(number: float, text: str, column: str | None, limits: Sequence[float] | None) -> float:
    if limits is not None and not limits[0] <= number <= limits[1]:
        raise ValueError(
            f"column '{column}' holds {text!r}, outside {limits[0]:g} to {limits[1]:g} (a lost decimal point?)"
        )
    return number


def _day(text: str, column: str | None) -> int:
    for form in DATE_FORMATS:
        try:
            return datetime.strptime(text, form).date().toordinal()
        except ValueError:
            continue
    example = date(2015, 3, 27)
    raise ValueError(
        f"column '{column}' holds {text!r}, which is no date: write {example.isoformat()} or {example:%m/%d/%Y}"
    )


def _months(text: str, column: str | None) -> float:
    code = text.lower()
    if code in BASELINE_CODES:
        return 0.0
    match = re.fullmatch(r"(?:ses-)?m(\d+)", code)
    if match is None:
        raise ValueError(f"column '{column}' holds {text!r}, which is no visit code such as bl or m12")
    return float(match[1])
