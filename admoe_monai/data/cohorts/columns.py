"""Columns of a table by wanted names, in any case, and the columns left over."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..tables import Table
from .cells import columns_of, is_present
from .mapping import ColumnMapping

__all__ = ["column_notes", "known_spelling", "spelled", "unread_columns"]

#: Least likeness, from 0 to 1, of a column's name and one that is not there.
LIKENESS = 0.75
_NEVER_USED = ["time", "identifier", "banned"]
SHOWN = 8


def known_spelling(columns: Sequence[str], names: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Find names among the columns of a table: as they are, else in another case.

    Args:
        columns: Header of the table.
        names: Wanted names.

    Returns:
        The wanted name of each column that has another case, and what is ambiguous, one line each.
    """
    renamed: dict[str, str] = {}
    unclear = []
    for name in names:
        alike = [column for column in columns if column.casefold() == name.casefold()]
        if name in columns or name.casefold() in (asked.casefold() for asked in renamed.values()):
            continue
        # A column that is itself asked for by its exact name keeps it.
        free = [column for column in alike if column not in names]
        if len(free) > 1:
            unclear.append(f"has the columns {' and '.join(map(repr, free))}, of which any may be '{name}'; rename one")
        elif free and len(free) == len(alike):
            renamed[free[0]] = name
    return renamed, unclear


def spelled(table: Table, names: Collection[str]) -> Table:
    """Rename the columns of a table to the wanted case; ambiguous ones join its problems."""
    renamed, unclear = known_spelling(table.columns, names)
    if not renamed and not unclear:
        return table
    rows = [{renamed.get(name, name): cell for name, cell in row.items()} for row in table.rows]
    problems = [*table.problems, *(f"{table.path} {line}" for line in unclear)]
    return replace(table, columns=[renamed.get(name, name) for name in table.columns], rows=rows, problems=problems)


def unread_columns(columns: Iterable[str], mapping: ColumnMapping, others: Collection[str] = ()) -> list[str]:
    """Columns that a mapping does not use; near misses of a name that it lacks come first, with a hint.

    Args:
        columns: Columns of all tables of a cohort, in the mapping's spelling.
        mapping: Meaning of the columns.
        others: Names that are read by other means.
    """
    present = list(dict.fromkeys(columns))
    known = {*mapping.column_names, *others}
    cells = (*mapping.visit.values(), *mapping.prior.values())
    missed = [name for cell in cells if not is_present(cell, present) for name in columns_of(cell)]
    hinted: list[str] = []
    plain: list[str] = []
    for column in (name for name in present if name and name not in known):
        hint = _meant(column, missed)
        (hinted if hint else plain).append(f"{column} (did you mean '{hint}'?)" if hint else column)
    return [*hinted, *plain]


def column_notes(prior: Sequence[Mapping[str, Any]], unread: Sequence[str]) -> list[str]:
    """Notes on the columns of a cohort's prior, and on those that are not read.

    Args:
        prior: Name and role of the prior columns.
        unread: Result of :func:`unread_columns`.
    """
    kinds = {"": ["clinical"], "measured on the scan, used where named": ["image_derived"], "never used": _NEVER_USED}
    listed = []
    for kind, roles in kinds.items():
        names = ", ".join(column["name"] for column in prior if column["role"] in roles)
        if names or not kind:
            listed.append(f"{kind}{': ' if kind else ''}{names or 'none'}")
    notes = [f"prior columns: {'; '.join(listed)}"]
    if unread:
        count = max(SHOWN, sum("(did you mean" in name for name in unread))
        more = f", … ({len(unread)} in all)" if len(unread) > count else ""
        notes.append(f"columns that are not read: {', '.join(unread[:count])}{more}")
    return notes


def _meant(column: str, missed: Sequence[str]) -> str:
    """Missing name that a column seems to be: nearly that word, or that word among others."""
    bare = {name: re.sub(r"[\W_]+", "", name).casefold() for name in missed}
    words = re.findall(r"[a-z]+\d*", re.sub(r"([a-z])([A-Z])", r"\1 \2", column).casefold())
    inside = [name for name, word in bare.items() if word in words]
    close = difflib.get_close_matches("".join(words), list(bare.values()), n=1, cutoff=LIKENESS)
    return next(iter(inside), next((name for name, word in bare.items() if word in close), ""))
