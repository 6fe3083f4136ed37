"""Tables of a BIDS folder: participants.tsv, a sessions.tsv per subject, a scans.tsv per session."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from admoe_monai.errors import UserError

from ..tables import EMPTY_CELLS, Table, read_table_file
from ..visits import nearest
from .columns import spelled
from .mapping import ColumnMapping
from .names import name_key, pair_names, session_label, session_name
from .reading import refuse

__all__ = ["FILE_NAME", "PERSON", "SESSION", "People", "Row", "read_people", "read_scan_facts", "read_sessions"]

PERSON, SESSION, FILE_NAME = "participant_id", "session_id", "filename"

#: Cells by column.
Row = dict[str, str]


@dataclass
class People:
    """Participants and their rows of participants.tsv.

    Attributes:
        rows: Cells that hold for the person, by name.
        visits: Rows by name and label of the session, where the table has one per session.
        columns: Header of the table.
        path: Path of the table; None where there is none.
    """

    rows: dict[str, Row]
    visits: dict[str, dict[str, Row]] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    path: Path | None = None


def read_people(root: Path, mapping: ColumnMapping, folders: Collection[str], problems: list[str]) -> People:
    """Read participants.tsv; where BIDS leaves it out, people are the folders.

    Args:
        root: The BIDS folder.
        mapping: Meaning of the columns.
        folders: Names of the subjects' folders.
        problems: List to which faults of single lines are added.

    Raises:
        UserError: If there is neither table nor folder, or the table can't be read or is empty.
    """
    path = root / "participants.tsv"
    if not path.is_file():
        if not folders:
            raise UserError(
                f"{root} is no BIDS folder: it has no participants.tsv and no folder of a subject; other kinds of cohorts "
                "have commands of their own, see `admoe prepare --help`"
            )
        return People({name: {} for name in sorted(folders)})
    table = spelled(read_table_file(path), _names(mapping, PERSON))
    problems += table.problems
    if PERSON not in table.columns:
        refuse([*table.problems, _no_column(table, PERSON)], root.name)
    if SESSION in table.columns:
        return _by_session(table, mapping, problems)
    hint = "; rows of sessions need a column 'session_id'"
    rows = _by_name(table, PERSON, lambda row: row[PERSON].strip(), problems, hint)
    return People(rows, {}, table.columns, path)


def read_sessions(path: Path, mapping: ColumnMapping, others: dict[str, Row], problems: list[str]) -> dict[str, Row]:
    """Read the sessions.tsv of a subject.

    Args:
        path: Path of the table, which need not exist.
        mapping: Meaning of the columns.
        others: Rows of the same subject's sessions in participants.tsv; those of this table win.
        problems: List to which faults are added.

    Returns:
        Rows of all listed sessions, by label.
    """
    table = _table(path, mapping, SESSION, problems)
    if table is None:
        return others
    if SESSION not in table.columns:
        problems.append(_no_column(table, SESSION))
        return others
    rows = _by_name(table, SESSION, lambda row: session_label(row[SESSION]), problems)
    same, _ = pair_names(rows, others, session_name)
    merged = {label: {**others.get(same.get(label, ""), {}), **row} for label, row in rows.items()}
    return {**merged, **{label: row for label, row in others.items() if label not in same.values()}}


def read_scan_facts(subject: Path, mapping: ColumnMapping, problems: list[str]) -> dict[str, list[Row]]:
    """Read the rows on T1w scans in the scans.tsv of each session, such as the day or the field strength.

    Args:
        subject: Folder of the subject.
        mapping: Meaning of the columns.
        problems: List to which faults are added.

    Returns:
        Rows by key of the session's name, which is empty where the folder has no sessions.
    """
    facts: dict[str, list[Row]] = {}
    for pattern in (f"{subject.name}_scans.tsv", f"ses-*/{subject.name}_ses-*_scans.tsv"):
        for path in sorted(subject.glob(pattern)):
            table = _table(path, mapping, FILE_NAME, problems)
            rows = [] if table is None else [row for row in table.rows if "_T1w" in row.get(FILE_NAME, "")]
            if rows:
                facts["" if path.parent == subject else name_key(path.parent.name)] = rows
    return facts


def _by_session(table: Table, mapping: ColumnMapping, problems: list[str]) -> People:
    """Read a participants.tsv with a row per session: cells that all rows of a person share hold for the person."""
    people = People({}, {}, table.columns, table.path)
    for row in _by_name(table, PERSON, _visit_name, problems).values():
        name = row[PERSON].strip()
        if _is_empty(row[SESSION]):
            people.rows[name] = row
        else:
            people.visits.setdefault(name, {})[session_label(row[SESSION])] = row
    diagnoses = mapping.columns_of("diagnosis")
    for name, visits in people.visits.items():
        first, *others = visits.values()
        alike = {column: cell for column, cell in first.items() if all(row[column] == cell for row in others)}
        people.rows.setdefault(name, {column: cell for column, cell in alike.items() if column not in diagnoses})
    return people


def _visit_name(row: Row) -> str:
    session = "" if _is_empty(row[SESSION]) else session_label(row[SESSION])
    return f"{row[PERSON].strip()} {session}".strip()


def _by_name(
    table: Table, column: str, name_of: Callable[[Row], str], problems: list[str], hint: str = ""
) -> dict[str, Row]:
    """Rows by name; an empty or repeated name is a problem."""
    found: dict[str, Row] = {}
    lines: dict[str, int] = {}
    for line, row in zip(table.lines, table.rows, strict=True):
        if _is_empty(row[column]):
            problems.append(f"{table.path} line {line}: column '{column}' is empty")
            continue
        name = name_of(row)
        if name in found:
            problems.append(f"{table.path} line {line}: '{name}' stands already at line {lines[name]}{hint}")
            continue
        found[name], lines[name] = row, line
    return found


def _table(path: Path, mapping: ColumnMapping, name: str, problems: list[str]) -> Table | None:
    if not path.is_file():
        return None
    try:
        table = spelled(read_table_file(path), _names(mapping, name))
    except UserError as error:
        problems += error.details or [str(error)]
        return None
    problems += table.problems
    return table


def _names(mapping: ColumnMapping, name: str) -> list[str]:
    return list(dict.fromkeys((name, SESSION, *mapping.column_names)))


def _is_empty(cell: str) -> bool:
    return cell.strip().lower() in EMPTY_CELLS


def _no_column(table: Table, column: str) -> str:
    columns = ", ".join(table.columns)
    return f"{table.path} has no column '{column}'{nearest(column, table.columns)} (columns {columns})"
