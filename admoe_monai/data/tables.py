"""CSV and TSV tables as they are: text, cell by cell."""

from __future__ import annotations

import csv
from pathlib import Path

from admoe_monai.errors import UserError

__all__ = ["EMPTY_CELLS", "read_rows"]

#: What stands for a missing value in the tables of the field, in lower case.
EMPTY_CELLS = frozenset({"", "n/a", "na", "nan", "null", "none", "."})


def read_rows(path: str | Path) -> list[dict[str, str]]:
    """Read a table as text, cell by cell; ``.tsv`` is separated by tabs, everything else by commas.

    Args:
        path: the table.

    Raises:
        UserError: If it is missing, empty or no table.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, delimiter="\t" if str(path).endswith(".tsv") else ",", strict=True)
            # csv rather than pandas, which takes surplus cells of the first rows for an index and shifts every column.
            numbered = [(lines.line_num, cells) for cells in lines if cells]
    except FileNotFoundError:
        raise UserError(f"table not found: {path}") from None
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"table {path} can't be read: {error}") from error
    if len(numbered) < 2:
        raise UserError(f"table {path} has no rows")
    header = [name.strip() for name in numbered[0][1]]
    if doubled := [name for name in header if header.count(name) > 1]:
        raise UserError(f"table {path} has two columns named '{doubled[0]}'")
    for line, cells in numbered[1:]:
        if len(cells) != len(header):
            raise UserError(f"table {path} line {line} has {len(cells)} cells, the header has {len(header)}")
    return [dict(zip(header, cells, strict=True)) for _, cells in numbered[1:]]
