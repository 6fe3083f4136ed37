"""What the visits of a cohort say against each other: listed for the researcher to decide, never swallowed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from .labels import ChangeRule, change_labels
from .reading import Record, group_by_subject

__all__ = ["contradictions", "visit_number_notes"]

#: Years by which an age may be off the one that the days imply: ages are often whole years, at the visit or at entry.
AGE_TOLERANCE = 1.5
#: Smallest and largest CDR that go with a diagnosis.
CDR_OF = {"CN": (0.0, 0.5), "AD": (0.5, 3.0)}


def contradictions(
    records: Sequence[Record], courses: Mapping[str, Mapping[str, str]], rule: ChangeRule | None = None
) -> list[str]:
    """List what can't be true at once, one line each, naming subject and visits.

    - CN with a CDR of 1 and above, AD with a CDR of 0;
    - a change label that was given with the data and that the diagnoses speak against;
    - a group whose name promises another course of diagnoses;
    - dates out of order, two visits on one day, ages that run backwards, a person of two sexes.

    Args:
        records: all visits, as read.
        courses: per check column and value a regular expression for the subject's diagnoses, each followed by a space.
        rule: how change labels are made.
    """
    found: list[str] = []
    for subject, history in group_by_subject(records).items():
        lines = (
            *_cdr(history),
            *_given_change(history, rule),
            *_courses(history, courses),
            *_time(history),
            *_ages(history),
            *_sexes(history),
        )
        found += [f"{subject}: {line}" for line in lines]
    return found


def visit_number_notes(records: Sequence[Record]) -> list[str]:
    """Say whose visits are not numbered 1, 2, 3, …: there were visits that the table does not have.

    Args:
        records: all visits, with a check ``visit_number``.
    """
    skipping = {}
    for subject, history in group_by_subject(records).items():
        numbers = sorted(int(float(r.checks["visit_number"])) for r in history if r.checks.get("visit_number"))
        if numbers and numbers != list(range(1, len(numbers) + 1)):
            skipping[subject] = numbers
    if not skipping:
        return []
    shown = "; ".join(f"{subject}: {', '.join(map(str, numbers))}" for subject, numbers in list(skipping.items())[:4])
    return [f"visit numbers of {len(skipping)} subjects skip ({shown}): some of their visits are not in the table"]


def _cdr(history: Sequence[Record]) -> Iterator[str]:
    for record in history:
        diagnosis, cdr = record.visit["diagnosis"], (record.visit["prior"] or {}).get("cdr")
        if diagnosis in CDR_OF and isinstance(cdr, (int, float)):
            low, high = CDR_OF[diagnosis]
            if not low <= cdr <= high:
                yield f"{record.visit['session_id']} is {diagnosis} with a CDR of {cdr:g}"


def _given_change(history: Sequence[Record], rule: ChangeRule | None) -> Iterator[str]:
    given = [record for record in history if record.visit["change"] is not None]
    if not given:
        return
    derived = change_labels([(r.visit["days_from_baseline"], r.visit["diagnosis"]) for r in history], rule)
    for record, change in zip(history, derived, strict=True):
        label = record.visit["change"]
        if label is not None and change.label is not None and change.label != label:
            session = record.visit["session_id"]
            yield f"{session} is labelled {label}, but its diagnoses say {change.label} ({change.reason})"


def _courses(history: Sequence[Record], courses: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    known = [r for r in history if r.visit["diagnosis"] is not None]
    ordered = sorted(known, key=lambda r: (r.visit["days_from_baseline"] or 0, r.visit["session_id"]))
    diagnoses = [record.visit["diagnosis"] for record in ordered]
    for name, expected in courses.items():
        for value in dict.fromkeys(record.checks.get(name, "") for record in ordered):
            if value in expected and not re.fullmatch(expected[value], "".join(f"{dx} " for dx in diagnoses)):
                yield f"{name} says '{value}', but the diagnoses are {', '.join(diagnoses)}"


def _time(history: Sequence[Record]) -> Iterator[str]:
    timed = [r for r in history if r.visit["days_from_baseline"] is not None]
    for record in timed:
        if record.visit["days_from_baseline"] < 0:
            yield f"{record.visit['session_id']} lies {-record.visit['days_from_baseline']:g} days before the first visit"
    for before, after in pairwise(sorted(timed, key=_number)):
        days, later = before.visit["days_from_baseline"], after.visit["days_from_baseline"]
        if _number(before) != _number(after) and later < days:
            yield (
                f"dates are out of order: {after.visit['session_id']} ({later:g} days) comes after "
                f"{before.visit['session_id']} ({days:g} days)"
            )
    by_day: dict[float, Record] = {}
    for record in timed:
        first = by_day.setdefault(record.visit["days_from_baseline"], record)
        if first is not record and first.visit["diagnosis"] != record.visit["diagnosis"]:
            sessions = f"{first.visit['session_id']} and {record.visit['session_id']}"
            yield f"{sessions} lie on one day with the diagnoses {first.visit['diagnosis']} and {record.visit['diagnosis']}"


def _number(record: Record) -> tuple[float, ...]:
    """The order that the names of visits promise: the number of the visit, else the numbers in the session's label."""
    if text := record.checks.get("visit_number"):
        return (float(text),)
    return tuple(float(part) for part in re.findall(r"\d+", record.visit["session_id"]))


def _ages(history: Sequence[Record]) -> Iterator[str]:
    aged = [r for r in history if r.visit["age"] is not None and r.visit["days_from_baseline"] is not None]
    if len({record.visit["age"] for record in aged}) < 2:
        return  # a cohort that gives everybody's age at baseline alone
    ordered = sorted(aged, key=lambda record: record.visit["days_from_baseline"])
    for before, after in pairwise(ordered):
        years = (after.visit["days_from_baseline"] - before.visit["days_from_baseline"]) / 365.25
        grown = after.visit["age"] - before.visit["age"]
        if abs(grown - years) > AGE_TOLERANCE:
            yield (
                f"the age goes from {before.visit['age']:g} ({before.visit['session_id']}) to {after.visit['age']:g} "
                f"({after.visit['session_id']}) in {years:.1f} years"
            )


def _sexes(history: Sequence[Record]) -> Iterator[str]:
    sexes = sorted({str(record.visit["sex"]) for record in history if record.visit["sex"] is not None})
    if len(sexes) > 1:
        yield f"sex is {' and '.join(sexes)}"
