"""The common result of all readers of cohorts: visits, their places, problems and notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from admoe_monai.errors import UserError

from ..visits import Visit
from .reserves import Reserve

__all__ = ["Reading", "Record", "Source", "problems_first", "refuse"]


@dataclass
class Record:
    """One visit and its place in the tables.

    Attributes:
        visit: Fields of the visit; ``image`` relative to the cohort's folder, None where there is no scan.
        place: File and line, for messages.
        checks: Text of the columns that the mapping names for checks, such as the group or the number of the visit.
        date: Day of the visit (proleptic Gregorian ordinal), where a column tells it.
        months: Nominal months since the first visit, where a code or label tells them.
        reserves: Imprecise cells and their reading.
        absence: Reason why there is no image, where there is none.
    """

    visit: Visit
    place: str
    checks: dict[str, str] = field(default_factory=dict)
    date: int | None = None
    months: float | None = None
    reserves: list[Reserve] = field(default_factory=list)
    absence: str = "no T1w scan"


@dataclass
class Reading:
    """A cohort as it stands on disk, before labels, splits and filters.

    Attributes:
        name: Short name of the cohort.
        root: Folder that image paths are relative to.
        records: All visits, also those without a scan: they are part of a subject's history.
        columns: Name, role and kind of the prior columns.
        description: One sentence on the cohort.
        simulated: Whether the images were made by software.
        label_source: Origin of the diagnoses, such as ``clinical`` or ``cdr``.
        diagnosis_rule: One sentence on how diagnoses were made.
        change: Rule of the change labels that came with the data and are kept; None where they are still to be made, on
            the whole history.
        preprocessing: Steps already applied to the images; empty for raw scans.
        courses: Per value of a check column, the course of diagnoses that it stands for.
        problems: Rows that can't be used, one line each; none may be left when a datalist is written.
        notes: Facts that a user should know about the cohort, one line each.
        cautions: Facts that a user should know before leaving out the visits without an image, one line each.
        unread: Columns that the mapping does not use, each with a similar known name if there is one.
        names_differ: Whether tables and folders seem to name a person differently, so that leaving out the visits
            without an image would lose labels.
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
    cautions: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    names_differ: bool = False

    @property
    def visits(self) -> list[Visit]:
        """Fields of the visits, without their places."""
        return [record.visit for record in self.records]


class Source(Protocol):
    """A cohort on disk that can be read."""

    def read(self) -> Reading:
        """Read all of it.

        Raises:
            UserError: If nothing can be read; faults of single rows are in the reading's problems.
        """


def group_by_subject(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Group records by subject, in the order given."""
    grouped: dict[str, list[Record]] = {}
    for record in records:
        grouped.setdefault(record.visit["subject_id"], []).append(record)
    return grouped


def refuse(problems: Sequence[str], name: str, advice: str = "") -> None:
    """Raise one error for all problems, if there are any.

    Args:
        problems: One line each; repeated ones count once.
        name: Name of the cohort.
        advice: Way out, added to the error's line.

    Raises:
        UserError: If there is a problem; where there are several, its details are all of them.
    """
    unique = list(dict.fromkeys(problems))
    if len(unique) == 1:
        raise UserError(unique[0] + advice)
    if unique:
        summary = f"{name}: {len(unique)} problems, nothing was written; the first: {unique[0]}{advice}"
        raise UserError(summary, unique)


@contextmanager
def problems_first(problems: Sequence[str], name: str) -> Iterator[None]:
    """Context in which an error comes after the problems found before it, never in their place.

    Args:
        problems: Problems of the steps before, one line each.
        name: Name of the cohort.

    Raises:
        UserError: The step's own error where there was no problem, else one of all.
    """
    try:
        yield
    except UserError as error:
        if not problems:
            raise
        refuse([*problems, *(error.details or [str(error)])], name)
