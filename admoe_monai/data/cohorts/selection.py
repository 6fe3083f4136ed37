"""Selection of the visits to use: lists of people or visits, quality control, missing images."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from admoe_monai.errors import UserError, first_of_each_kind

from .key_table import KeyTable, read_key_table
from .reading import Record

__all__ = ["Exclusions", "Selection", "read_key_table"]

logger = logging.getLogger(__name__)

PASSED = frozenset({"pass", "passed", "ok", "good", "1", "1.0", "true", "yes"})
FAILED = frozenset({"fail", "failed", "bad", "0", "0.0", "false", "no"})


@dataclass
class Exclusions:
    """Visits left out, counted by cause.

    Attributes:
        visits: Number of visits per cause.
        subjects: Number of subjects per cause who lose their last visit by it.
        notes: Rows of the tables that fit no visit of the cohort, one line per table.
    """

    visits: Counter[str] = field(default_factory=Counter)
    subjects: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def drop(self, records: Sequence[Record], kept: Sequence[Record], cause: str) -> None:
        """Count the visits that a filter left out.

        Args:
            records: Visits before the filter.
            kept: Visits after it.
            cause: Name of the filter, for the report.
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
    """Filter of a cohort's visits.

    Args:
        include: Table with ``participant_id`` and, where single visits are meant, ``session_id``.
        qc: Table with the same columns and ``qc`` (pass or fail, or 1 and 0); a failed visit is left out, one that it
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
            records: All visits.
            root: Folder that image paths are relative to.
            exclusions: Counts to which the excluded visits are added.

        Returns:
            The visits that are left, and a line per missing image that must not be missing.

        Raises:
            UserError: If a table can't be read, fits no visit, or both passes and fails one.
        """
        kept = list(records)
        if self.include is not None:
            table = KeyTable.read(self.include)
            rows = table.rows_of(records)
            exclusions.notes += table.strangers(rows)
            chosen = [record for record in kept if id(record) in rows]
            if not chosen:
                raise UserError(f"{self.include} names nobody of this cohort; its first row is {table.first}")
            exclusions.drop(kept, chosen, "not in the include list")
            kept = chosen
        if self.qc is not None:
            table = KeyTable.read(self.qc, "qc")
            rows = table.rows_of(records)
            exclusions.notes += table.strangers(rows)
            passed = self._passed(kept, rows)
            exclusions.drop(kept, passed, "failed quality control")
            kept = passed
        present: list[Record] = []
        missing: list[Record] = []
        for record in kept:
            there = record.visit["image"] and os.path.exists(root / record.visit["image"])
            (present if there else missing).append(record)
        exclusions.drop(kept, present, "no image")
        absent = [f"{r.place}: no image: {root / r.visit['image'] if r.visit['image'] else r.absence}" for r in missing]
        if self.missing_images == "error":
            return present, absent
        for line in first_of_each_kind(absent):
            logger.info("dropped: %s", line)
        return present, []

    def _passed(self, records: Sequence[Record], rows: Mapping[int, Sequence[Mapping[str, str]]]) -> list[Record]:
        passed, unclear = [], []
        for record in records:
            verdicts = {cell: None for row in rows.get(id(record), ()) if (cell := row["qc"].strip().lower())}
            if unknown := next((verdict for verdict in verdicts if verdict not in PASSED | FAILED), None):
                raise UserError(f"{self.qc} says qc '{unknown}' of {record.place}; write pass or fail")
            if verdicts.keys() & PASSED and verdicts.keys() & FAILED:
                visit = f"{record.visit['subject_id']} {record.visit['session_id']}"
                unclear.append(f"{visit}: qc is {' and '.join(verdicts)}")
            elif verdicts:
                record.visit["qc"] = "pass" if verdicts.keys() <= PASSED else "fail"
            if not verdicts.keys() & FAILED:
                passed.append(record)
        if unclear:
            more = f" (and {len(unclear) - 1} more)" if len(unclear) > 1 else ""
            raise UserError(f"{self.qc} contradicts itself about {unclear[0]}{more}", unclear if more else ())
        return passed
