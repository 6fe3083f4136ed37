"""Values from the cells of a table, by the entries of a mapping that say what a cell means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..tables import EMPTY_CELLS, is_code
from .cell_text import read_day, read_months, read_number
from .cell_values import wrong_values
from .reserves import Reserve

__all__ = ["CELL_KEYS", "CellError", "cell_problem", "columns_of", "is_present", "read_cell"]

#: Words that describe a cell; ``role`` and ``banned_for`` go with prior columns only.
CELL_KEYS = frozenset({"column", "any_of", "kind", "values", "pattern", "empty", "missing", "range"})
CELL_KINDS = ("number", "continuous", "categorical", "date", "viscode")


class CellError(ValueError):
    """Error for a cell that is not understood.

    Args:
        column: Column of the cell.
        text: Its content.
        why: The content, and what it is not.
    """

    def __init__(self, column: str, text: str, why: str) -> None:
        super().__init__(f"column '{column}' holds {why}")
        self.column, self.text = column, text


def columns_of(cell: Mapping[str, Any]) -> list[str]:
    """Names of the columns that a cell may be read from, in order of preference.

    Args:
        cell: Entry of a mapping: ``column`` (a name, or several of which the first present one counts) or
            ``any_of`` (cells of which the first filled one counts).
    """
    if "any_of" in cell:
        return [name for part in cell["any_of"] for name in columns_of(part)]
    column = cell["column"]
    return [column] if isinstance(column, str) else list(column)


def is_present(cell: Mapping[str, Any], columns: Sequence[str]) -> bool:
    """Whether a table with these columns has the cell."""
    return bool(set(columns_of(cell)) & set(columns))


def read_cell(
    row: Mapping[str, str],
    cell: Mapping[str, Any],
    missing: Sequence[Any] = (),
    reserves: list[Reserve] | None = None,
) -> Any:
    """Read the value of a cell.

    Args:
        row: Text by column.
        cell: Entry of a mapping: ``kind`` (``number``; ``date``, which gives days; ``viscode``, which gives months; text
            otherwise), ``values`` (code to value, others are refused), ``pattern`` (a regular expression whose first
            group is kept), ``missing`` (codes that mean nothing), ``empty`` (what an empty cell means) and ``range``
            (smallest and largest number that can be right).
        missing: Codes that mean nothing in every column of the table.
        reserves: List to which imprecise cells are added, such as an age of 89+; None makes them errors.

    Returns:
        The value, None where there is none.

    Raises:
        CellError: If the content is not understood; it names the column and the content.
    """
    if "any_of" in cell:
        values = (read_cell(row, part, missing, reserves) for part in cell["any_of"])
        return next((value for value in values if value is not None), cell.get("empty"))
    column = next((name for name in columns_of(cell) if name in row), None)
    text = "" if column is None else row[column].strip()
    if (
        column is None
        or text.lower() in EMPTY_CELLS
        or any(is_code(text, code) for code in (*missing, *cell.get("missing", ())))
    ):
        return cell.get("empty")
    if "pattern" in cell:
        match = re.search(cell["pattern"], text)
        if match is None or match[1] is None:
            raise CellError(column, text, f"{text!r}, which does not match {cell['pattern']}")
        text = match[1]
    if "values" in cell:
        return _decoded(text, cell["values"], column)
    try:
        value, meaning = _read(text, cell)
    except ValueError as error:
        raise CellError(column, text, f"{text!r}, {error}") from None
    if meaning:
        if reserves is None:
            raise CellError(
                column, text, f"{text!r}, which is {'no date' if cell['kind'] == 'date' else 'not a number'}"
            )
        reserves.append(Reserve(column, text, meaning))
    return value


def cell_problem(cell: Any, required: Sequence[str] = (), allowed: Sequence[str] = ()) -> str:
    """Find the fault in a mapping's entry for a cell; empty if there is none.

    Args:
        cell: The entry, as the mapping's file holds it.
        required: Keys that it must have beside a column.
        allowed: Keys that it may have beside those of every cell.
    """
    known = CELL_KEYS | set(required) | set(allowed)
    if not isinstance(cell, dict) or not set(required) <= set(cell) or ("column" in cell) == ("any_of" in cell):
        return f"needs {', '.join(['column', *sorted(required)])}, got {cell!r}"
    if unknown := sorted(set(cell) - known):
        return f"has the unknown word '{unknown[0]}'; known are {', '.join(sorted(known))}"
    if cell.get("kind") not in (None, *CELL_KINDS):
        return f"has the unknown kind {cell['kind']!r}; known are {', '.join(CELL_KINDS)}"
    if problem := next((f"has the {word} {value!r}: {wrong}" for word, value, wrong in wrong_values(cell)), ""):
        return problem
    parts: Iterator[str] = (cell_problem(part) for part in cell.get("any_of", ()))
    return next((problem for problem in parts if problem), "")


def _read(text: str, cell: Mapping[str, Any]) -> tuple[Any, str]:
    """Value of a text, and the reserve with which it was read."""
    kind = cell.get("kind")
    if kind in ("number", "continuous"):
        number, meaning = read_number(text)
        limits = cell.get("range")
        if number is not None and limits is not None and not limits[0] <= number <= limits[1]:
            raise ValueError(f"outside {limits[0]:g} to {limits[1]:g} (a lost decimal point?)")
        return number, meaning
    if kind == "date":
        return read_day(text)
    if kind == "viscode":
        return read_months(text), ""
    return text, ""


def _decoded(text: str, values: Mapping[Any, Any], column: str) -> Any:
    """Value of a code: as written, else ignoring case."""
    for fold in (str, str.casefold):
        for code, value in values.items():
            if is_code(fold(text), fold(code) if isinstance(code, str) else code):
                return value
    raise CellError(column, text, f"the unknown code {text!r}")
