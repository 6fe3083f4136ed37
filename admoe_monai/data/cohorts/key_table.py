"""Tables on people or single visits: lists, verdicts of quality control, published splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from admoe_monai.errors import UserError, some_of

from ..tables import EMPTY_CELLS, read_rows
from ..visits import nearest
from .columns import known_spelling
from .names import pair_names, session_months, session_name, subject_name
from .reading import Record

__all__ = ["KeyTable", "read_key_table", "values_of"]

SUBJECT_COLUMNS = ("participant_id", "subject_id")
SESSION = "session_id"

Row = dict[str, str]


@dataclass(frozen=True)
class KeyTable:
    """Rows that name a person, or a person and a session, in one of the spellings of the field.

    Attributes:
        path: Path of the table.
        rows: Cells by column.
        subject: Name of the column with the people.
        by_session: Whether rows name single visits.
    """

    path: Path
    rows: list[Row]
    subject: str
    by_session: bool

    @classmethod
    def read(cls, path: Path, needed: str | None = None) -> KeyTable:
        """Read a table.

        Args:
            path: Path of the table.
            needed: Column that it must have beside the person's.

        Raises:
            UserError: If the table can't be read, or lacks a column.
        """
        rows = read_rows(path)
        names = [*SUBJECT_COLUMNS, SESSION, *([needed] if needed else [])]
        renamed, unclear = known_spelling(list(rows[0]), names)
        if unclear:
            raise UserError(f"{path} {unclear[0]}")
        rows = [{renamed.get(name, name): cell for name, cell in row.items()} for row in rows]
        columns = list(rows[0])
        subject = next((name for name in SUBJECT_COLUMNS if name in columns), None)
        if subject is None:
            raise UserError(f"{path} has no column 'participant_id'{nearest('participant_id', columns)}")
        if needed is not None and needed not in columns:
            raise UserError(f"{path} has no column '{needed}'{nearest(needed, columns)}")
        return cls(path, rows, subject, SESSION in columns)

    @property
    def first(self) -> str:
        """Name in the first row."""
        return self._name(self.rows[0])

    def rows_of(self, records: Sequence[Record]) -> dict[int, list[Row]]:
        """Find the rows that refer to each visit.

        Args:
            records: All visits of a cohort.

        Returns:
            Rows by the identity of the visit, in the order of the table; visits without a row are left out.

        Raises:
            UserError: If the person that a row refers to is ambiguous.
        """
        subjects = self.people(record.visit["subject_id"] for record in records)
        sessions: dict[str, dict[str, list[Record]]] = {}
        for record in records:
            labels = sessions.setdefault(record.visit["subject_id"], {})
            labels.setdefault(str(record.visit["session_id"]), []).append(record)
        found: dict[int, list[Row]] = defaultdict(list)
        for name, labels in sessions.items():
            rows = [row for row in self.rows if subjects.get(row[self.subject]) == name]
            if not self.by_session:
                found |= {id(record): rows for same in labels.values() for record in same if rows}
                continue
            paired, unclear = pair_names([row[SESSION] for row in rows], labels, session_name)
            self._refuse_unclear({f"{name} {session}": others for session, others in unclear.items()})
            for row in rows:
                for record in labels.get(paired.get(row[SESSION], ""), ()):
                    found[id(record)].append(row)
        return dict(found)

    def people(self, names: Iterable[str]) -> dict[str, str]:
        """Find the people of a cohort that rows refer to, by the name in the table.

        Args:
            names: Names of the cohort's people.

        Raises:
            UserError: If the person that a row refers to is ambiguous.
        """
        paired, unclear = pair_names([row[self.subject] for row in self.rows], dict.fromkeys(names), subject_name)
        self._refuse_unclear(unclear)
        return paired

    def strangers(self, found: Mapping[int, list[Row]]) -> list[str]:
        """Note how many rows fit no visit, as a misspelt name does.

        Args:
            found: Result of :meth:`rows_of`.
        """
        names = list(dict.fromkeys(self._name(row) for row in self.rows))
        known = {self._name(row) for rows in found.values() for row in rows}
        others = [name for name in names if name not in known]
        if not others:
            return []
        return [f"{len(others)} of {len(names)} rows of {self.path} fit no visit of this cohort ({some_of(others)})"]

    def _name(self, row: Row) -> str:
        if not self.by_session:
            return subject_name(row[self.subject])
        name = session_name(row[SESSION])
        months = session_months(f"ses-{name}")
        return f"{subject_name(row[self.subject])} {name if months is None else f'M{months:g}'}"

    def _refuse_unclear(self, unclear: Mapping[str, Sequence[str]]) -> None:
        lines = [f"{self.path}: '{name}' may be {' or '.join(others)}" for name, others in unclear.items()]
        if lines:
            more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
            raise UserError(f"{lines[0]}; write it as the cohort does{more}", lines if len(lines) > 1 else ())


def read_key_table(path: Path, value: str) -> dict[str, str]:
    """Read a table of one value per subject.

    Args:
        path: Table with ``participant_id`` and the value's column.
        value: Name of that column.

    Returns:
        The value by the subject's name without ``sub-``.

    Raises:
        UserError: If the table can't be read or lacks a column, or gives one person two values.
    """
    table = KeyTable.read(path, value)
    value_of: dict[str, str] = {}
    twice: dict[str, str] = {}
    for row in table.rows:
        key, cell = subject_name(row[table.subject]), row[value].strip()
        if key.lower() in EMPTY_CELLS:
            raise UserError(f"{path} has a row without a name in column '{table.subject}'")
        if value_of.setdefault(key, cell) != cell:
            twice[key] = f"{key}: {value} is {value_of[key]} and {cell}"
    if twice:
        first, *others = twice.values()
        more = f" (and {len(others)} more)" if others else ""
        raise UserError(f"{path} contradicts itself about {first}{more}", list(twice.values()) if others else ())
    return value_of


def values_of(value_of: Mapping[str, str], subjects: Iterable[str], source: Path) -> dict[str, str]:
    """Find the values of a cohort's people, in any spelling of their names.

    Args:
        value_of: Result of :func:`read_key_table`.
        subjects: The cohort's people.
        source: Path of the table, for messages.

    Raises:
        UserError: If a name is ambiguous.
    """
    paired, unclear = pair_names(value_of, dict.fromkeys(subjects), subject_name)
    if unclear:
        name, others = next(iter(unclear.items()))
        raise UserError(f"{source}: '{name}' may be {' or '.join(others)}; write it as the cohort does")
    return {subject: value_of[name] for name, subject in paired.items()}
