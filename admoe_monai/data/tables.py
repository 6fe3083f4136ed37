"""CSV and TSV tables as they are: text, cell by cell, with the line that each row stands on."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError

__all__ = ["EMPTY_CELLS", "Table", "is_code", "lines_of", "read_rows", "read_table_file"]

#: What stands for a missing value in the tables of the field, in lower case.
EMPTY_CELLS = frozenset({"", "n/a", "na", "nan", "null", "none", "."})
#: Byte order marks and what they announce; Excel's "Unicode text" is UTF-16.
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
#: What spreadsheets of Western Europe write; every byte means something in the last.
CODE_PAGES = ("utf-8", "cp1252", "latin-1")
TAB = "\t"
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
    lines = lines_of(path)
    first = next((line for line in lines if line.strip()), "")
    # Commas are the last guess: decimal commas stand beside semicolons and tabs, never the other way round.
    delimiter = TAB if path.suffix == ".tsv" else next((mark for mark in "\t;" if mark in first), ",")
    numbered = _numbered_cells(path, lines, delimiter)
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
            if len(cells) > len(header) and not "".join(cells[len(header) :]).strip():
                hint = f" ({'a tab' if delimiter == TAB else repr(delimiter)} at its end?)"
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


def _numbered_cells(path: Path, lines: list[str], delimiter: str) -> list[tuple[int, list[str]]]:
    """The cells of each row that is not empty, and the line that it ends on."""
    # csv rather than pandas, which takes surplus cells of the first rows for an index and shifts every column.
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    numbered = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                numbered.append((reader.line_num, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"table {path} can't be read at line {line}: {error}; a quote at the start of a cell must end it, and one "
            "inside is written twice"
        ) from error
    return numbered


def is_code(text: str, code: Any) -> bool:
    """Whether a cell holds a code, which may be a number written in another way, such as 3 for 3.0.

    Args:
        text: of the cell.
        code: text or a number.
    """
    try:
        return text == str(code) or (not isinstance(code, str) and float(text) == code)
    except ValueError:
        return False


def lines_of(path: Path, what: str = "table") -> list[str]:
    """Read the lines of a text in UTF-8, UTF-16 with its mark, or the code page of Western Europe, with their ends.

    Args:
        path: path of the file.
        what: what the file is, for messages.

    Raises:
        UserError: If it is missing, can't be read or is no text.
    """
    # Lines end at \r\n, \r and \n alone: other marks of Unicode, such as a vertical tab, stand inside of cells.
    return list(io.StringIO(_text(path, what), newline=""))


def _text(path: Path, what: str) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{what} not found: {path}") from None
    except OSError as error:
        raise UserError(f"{what} {path} can't be read: {error.strerror}") from error
    marked = next((encoding for mark, encoding in MARKS.items() if content.startswith(mark)), None)
    if marked is None and b"\0" in content:
        raise UserError(f"{what} {path} can't be read: it is no text (a spreadsheet? save it as CSV)")
    for encoding in (marked,) if marked else CODE_PAGES:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            reason = error.reason
    raise UserError(f"{what} {path} can't be read: it is no text in {marked} ({reason})")


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
