"""What every reader of a cohort returns: visits, where each was found, and what was wrong or odd on the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..visits import Visit

__all__ = ["Reading", "Record", "Source"]


@dataclass
class Record:
    """One visit and where it was found.

    Attributes:
        visit: its fields; ``image`` relative to the cohort's folder, None where there is no scan.
        place: file and line, for messages.
        checks: text of the columns that the mapping names for checks, such as the group or the number of the visit.
        date: day of the visit (proleptic Gregorian ordinal), where a column tells it.
        months: nominal months since the first visit, where a code or label tells them.
    """

    visit: Visit
    place: str
    checks: dict[str, str] = field(default_factory=dict)
    date: int | None = None
    months: float | None = None


@dataclass
class Reading:
    """A cohort as it stands on disk, before labels, splits and filters.

    Attributes:
        name: short name of the cohort.
        root: folder that image paths are relative to.
        records: all visits, also those without a scan: they are part of a subject's history.
        columns: name, role and kind of the prior columns.
        description: one sentence on the cohort.
        simulated: whether the images were made by software.
        label_source: where diagnoses come from, such as ``clinical`` or ``cdr``.
        diagnosis_rule: one sentence on how diagnoses were made.
        change: how change labels were made, where they came with the data; they are kept as they are. None: they are
            still to be made, on the whole history.
        preprocessing: what was done to the images already; empty for scans as they came.
        courses: per value of a check column, the course of diagnoses that it stands for.
        problems: rows that can't be used, one line each; none may be left when a datalist is written.
        notes: what a user should know about the cohort, one line each.
    """

    name: str
    root: Path
    records: list[Record]
    columns: list[dict[str, Any]] = field(default_factory=list)
    description: str = ""
    simulated: bool = False
    label_source: str = "clinical"
    diagnosis_rule: str = ""
    change: dict[str, Any] | None = None
    preprocessing: dict[str, Any] = field(default_factory=dict)
    courses: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def visits(self) -> list[Visit]:
        """The visits alone."""
        return [record.visit for record in self.records]

    def by_subject(self) -> dict[str, list[Record]]:
        """Records of each subject, in the order of reading."""
        return group_by_subject(self.records)


class Source(Protocol):
    """A cohort on disk that can be read."""

    def read(self) -> Reading:
        """Read all of it.

        Raises:
            UserError: If nothing can be read; what is wrong with single rows is in the reading's problems.
        """


def group_by_subject(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Group records by subject, in the order given.

    Args:
        records: of any number of subjects.
    """
    grouped: dict[str, list[Record]] = {}
    for record in records:
        grouped.setdefault(record.visit["subject_id"], []).append(record)
    return grouped
