"""Which visits of a cohort are used: lists of people or visits, quality control, and what is lost on the way."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from admoe_monai.errors import UserError

from ..tables import read_rows
from ..visits import nearest
from .bids import session_months
from .reading import Record

__all__ = ["Exclusions", "Selection", "read_key_table", "subject_key"]

logger = logging.getLogger(__name__)

SUBJECT_COLUMNS = ("participant_id", "subject_id")
SESSION = "session_id"
PASSED = frozenset({"pass", "passed", "ok", "good", "1", "1.0", "true", "yes"})
FAILED = frozenset({"fail", "failed", "bad", "0", "0.0", "false", "no"})


@dataclass
class Exclusions:
    """Visits left out, counted by cause.

    Attributes:
        visits: number of visits per cause.
        subjects: subjects per cause of whom no visit is left by it.
        notes: what the tables name that the cohort does not have, one line each.
    """

    visits: Counter[str] = field(default_factory=Counter)
    subjects: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def drop(self, records: Sequence[Record], kept: Sequence[Record], cause: str) -> None:
        """Count what a filter left out.

        Args:
            records: before it.
            kept: after it.
            cause: in words.
        """
        lost = len(records) - len(kept)
        if lost:
            self.visits[cause] += lost
            gone = {r.visit["subject_id"] for r in records} - {r.visit["subject_id"] for r in kept}
            self.subjects[cause] += len(gone)

    def as_dict(self) -> dict[str, dict[str, int]]:
        """Plain values for the datalist."""
        return {cause: {"visits": n, "subjects": self.subjects[cause]} for cause, n in self.visits.items()}


@dataclass(frozen=True)
class Selection:
    """What to use of a cohort.

    Args:
        include: table with ``participant_id`` and, where single visits are meant, ``session_id``.
        qc: table with the same columns and ``qc`` (pass or fail, or 1 and 0); a failed visit is left out, one that it
            does not list is used.
        missing_images: ``error``, or ``drop`` to go on without visits that have no image.
    """

    include: Path | None = None
    qc: Path | None = None
    missing_images: str = "error"

    def __post_init__(self) -> None:
        if self.missing_images not in ("error", "drop"):
            raise UserError(f"missing_images must be one of error, drop, got '{self.missing_images}'")

    def apply(self, records: Sequence[Record], root: Path, exclusions: Exclusions) -> tuple[list[Record], list[str]]:
        """Filter the visits; the verdict of quality control is kept in their field ``qc``.

        Args:
            records: all visits.
            root: folder that image paths are relative to.
            exclusions: receives what is left out.

        Returns:
            The visits that are left, and a line per missing image that must not be missing.

        Raises:
            UserError: If a table can't be read or names nobody.
        """
        kept = list(records)
        if self.include is not None:
            listed = _Listed.read(self.include)
            exclusions.notes += listed.strangers(records)
            chosen = [record for record in kept if listed.row_of(record) is not None]
            if not chosen:
                raise UserError(f"{self.include} names nobody of this cohort; its first row is {listed.first}")
            exclusions.drop(kept, chosen, "not in the include list")
            kept = chosen
        if self.qc is not None:
            verdicts = _Listed.read(self.qc, "qc")
            exclusions.notes += verdicts.strangers(records)
            passed = self._passed(kept, verdicts)
            exclusions.drop(kept, passed, "failed quality control")
            kept = passed
        present: list[Record] = []
        missing: list[Record] = []
        for record in kept:
            there = record.visit["image"] and os.path.exists(root / record.visit["image"])
            (present if there else missing).append(record)
        exclusions.drop(kept, present, "no image")
        absent = [
            f"{r.place}: no image: {root / r.visit['image'] if r.visit['image'] else 'no T1w scan'}" for r in missing
        ]
        if self.missing_images == "error":
            return present, absent
        for line in absent:
            logger.info("dropped: %s", line)
        return present, []

    def _passed(self, records: Sequence[Record], verdicts: _Listed) -> list[Record]:
        passed = []
        for record in records:
            row = verdicts.row_of(record)
            verdict = "" if row is None else row["qc"].strip().lower()
            if verdict and verdict not in PASSED | FAILED:
                raise UserError(f"{self.qc} says qc '{verdict}' of {record.place}; write pass or fail")
            if verdict:
                record.visit["qc"] = "pass" if verdict in PASSED else "fail"
            if verdict not in FAILED:
                passed.append(record)
        return passed


@dataclass(frozen=True)
class _Listed:
    """Rows of a table by subject, or by subject and session."""

    path: Path
    rows: dict[tuple[str, ...], dict[str, str]]
    subject: str
    by_session: bool
    first: str

    @classmethod
    def read(cls, path: Path, needed: str | None = None) -> _Listed:
        table = read_rows(path)
        columns = list(table[0])
        subject = next((name for name in SUBJECT_COLUMNS if name in columns), None)
        if subject is None:
            raise UserError(f"{path} has no column 'participant_id'{nearest('participant_id', columns)}")
        if needed is not None and needed not in columns:
            raise UserError(f"{path} has no column '{needed}'{nearest(needed, columns)}")
        by_session = SESSION in columns
        rows = {_key(row[subject], row[SESSION] if by_session else None): row for row in table}
        return cls(path, rows, subject, by_session, " ".join(next(iter(rows))))

    def strangers(self, records: Sequence[Record]) -> list[str]:
        """Say how many rows speak of nobody, as a misspelt name does."""
        known = {_key(r.visit["subject_id"], r.visit["session_id"] if self.by_session else None) for r in records}
        others = [" ".join(key) for key in self.rows if key not in known]
        if not others:
            return []
        shown = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
        return [f"{len(others)} of {len(self.rows)} rows of {self.path} fit no visit of this cohort ({shown})"]

    def row_of(self, record: Record) -> dict[str, str] | None:
        """The row that speaks of a visit."""
        visit = record.visit
        return self.rows.get(_key(visit["subject_id"], visit["session_id"] if self.by_session else None))


def _key(subject: str, session: str | None) -> tuple[str, ...]:
    """One form for the spellings of the field: with and without ``sub-`` and ``ses-``, months with any zeros."""
    parts = [subject.strip().removeprefix("sub-")]
    if session is not None:
        label = session.strip()
        label = label if label.startswith("ses-") else f"ses-{label}"
        months = session_months(label)
        parts.append(label.removeprefix("ses-") if months is None else f"M{months:g}")
    return tuple(parts)


def read_key_table(path: Path, value: str) -> dict[str, str]:
    """Read a table of one value per subject.

    Args:
        path: table with ``participant_id`` and the value's column.
        value: name of that column.

    Raises:
        UserError: If the table can't be read or lacks a column, or gives somebody two values.
    """
    table = _Listed.read(path, value)
    value_of: dict[str, str] = {}
    twice: dict[str, str] = {}
    for row in read_rows(path):
        key, cell = _key(row[table.subject], None)[0], row[value].strip()
        if value_of.setdefault(key, cell) != cell:
            twice[key] = f"{key}: {value} is {value_of[key]} and {cell}"
    if twice:
        first, *others = twice.values()
        more = f" (and {len(others)} more)" if others else ""
        raise UserError(f"{path} contradicts itself about {first}{more}", list(twice.values()) if others else ())
    return value_of


def subject_key(subject: str) -> str:
    """The form of a subject's name under which tables of other people are searched."""
    return _key(subject, None)[0]
