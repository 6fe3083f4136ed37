"""CSV and TSV tables as they are: text, cell by cell, with the line that each row stands on."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path

from admoe_monai.errors import UserError

__all__ = ["EMPTY_CELLS", "Table", "read_rows", "read_table_file"]

#: What stands for a missing value in the tables of the field, in lower case.
EMPTY_CELLS = frozenset({"", "n/a", "na", "nan", "null", "none", "."})
DECIMAL_COMMA = re.compile(r"^\s*(-?\d+),(\d+)\s*$")


@dataclass
class Table:
    """The rows of a table that have as many cells as its header, and what is wrong with the others.

    Attributes:
        path: of the file.
        columns: names in the header.
        rows: cells by column.
        lines: line of the file that each row ends on.
        decimal: whether decimal commas, which go with semicolons, were read as points.
        problems: lines that could not be read, one sentence each.
    """

    path: Path
    columns: list[str]
    rows: list[dict[str, str]]
    lines: list[int]
    decimal: bool = False
    problems: list[str] = field(default_factory=list)


def read_table_file(path: str | Path) -> Table:
    """Read a table; what separates its cells is told by the header (tab, semicolon or comma).

    Args:
        path: the table; one that ends in ``.tsv`` is separated by tabs.

    Raises:
        UserError: If it is missing or empty, or its first line is no header.
    """
    path = Path(path)
    text = _text(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    # Commas are the last guess: decimal commas stand beside semicolons and tabs, never the other way round.
    delimiter = "\t" if path.suffix == ".tsv" else next((mark for mark in "\t;" if mark in first), ",")
    try:
        lines = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
        # csv rather than pandas, which takes surplus cells of the first rows for an index and shifts every column.
        numbered = [(lines.line_num, cells) for cells in lines if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise UserError(f"table {path} can't be read: {error}") from error
    if not numbered:
        raise UserError(f"table {path} is empty")
    header = [name.strip() for name in numbered[0][1]]
    _check_header(path, header)
    if len(numbered) < 2:
        raise UserError(f"table {path} has no rows")
    table = Table(path, header, [], [])
    for line, cells in numbered[1:]:
        if delimiter == ";":
            points = [DECIMAL_COMMA.sub(r"\1.\2", cell) for cell in cells]
            table.decimal |= points != cells
            cells = points
        if len(cells) == len(header):
            table.rows.append(dict(zip(header, cells, strict=True)))
            table.lines.append(line)
        else:
            hint = " (decimal commas need semicolons between cells)" if delimiter == "," else ""
            table.problems.append(f"{path} line {line} has {len(cells)} cells, the header has {len(header)}{hint}")
    return table


def read_rows(path: str | Path) -> list[dict[str, str]]:
    """Read a table whose every line must be right.

    Args:
        path: the table.

    Raises:
        UserError: If it is missing, empty or no table; all lines that are wrong are in its details.
    """
    table = read_table_file(path)
    if table.problems:
        more = f" (and {len(table.problems) - 1} more)" if len(table.problems) > 1 else ""
        raise UserError(f"table {table.problems[0]}{more}", table.problems)
    return table.rows


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"table not found: {path}") from None
    except OSError as error:
        raise UserError(f"table {path} can't be read: {error.strerror}") from error
    if b"\0" in content:
        raise UserError(f"table {path} can't be read: it is no text (a spreadsheet? save it as CSV)")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # what spreadsheets of Western Europe write


def _check_header(path: Path, header: list[str]) -> None:
    if doubled := [name for name in header if name and header.count(name) > 1]:
        raise UserError(f"table {path} has two columns named '{doubled[0]}'")
    numbers = [name for name in header if _is_number(name)]
    # One numeric name may be somebody's column; several are the first row of a table without a header.
    if len(numbers) > 1:
        raise UserError(f"table {path} has no header: its first line holds values such as '{numbers[0]}'")


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True
