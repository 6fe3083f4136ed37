"""What the visits of a cohort say against each other: listed for the researcher to decide, never swallowed."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .change_rule import NEXT_VISIT, ChangeRule
from .labels import change_labels
from .reading import Record, group_by_subject

__all__ = ["Contradiction", "contradictions", "visit_number_notes"]

#: Slack in years before an age counts as running backwards, or as not fitting the dates: ages are often whole years.
AGE_SLACK, DATE_SLACK = 0.1, 1.5
#: Smallest and largest CDR that go with the mildest and the most severe diagnosis.
CDR_OF_MILDEST, CDR_OF_MOST_SEVERE = (0.0, 0.5), (0.5, 3.0)
CDR_COLUMN = re.compile(r"(?i)cdr(_?glob(al)?)?")


@dataclass(frozen=True)
class Contradiction:
    """Facts on a subject that can't be true at once.

    Attributes:
        kind: Short name, as listed at :func:`contradictions`.
        text: One line, naming subject and visits.
        places: File and line of the visits.
    """

    kind: str
    text: str
    places: tuple[str, ...]


def contradictions(
    records: Sequence[Record],
    courses: Mapping[str, Mapping[str, str]] | None = None,
    rule: ChangeRule | None = None,
    whole: bool = True,
) -> list[Contradiction]:
    """List facts that can't be true at once.

    - ``diagnosis_against_cdr``: CN with a CDR of 1 and above, AD with a CDR of 0;
    - ``change_against_diagnoses``: a change label that came with the data, and diagnoses that say something else;
    - ``course_against_diagnoses``: a group whose name promises another course of diagnoses;
    - ``two_diagnoses`` of one session or one day; ``dates_out_of_order``; ``ages_out_of_order``; ``two_sexes``.

    Args:
        records: Visits of any number of subjects.
        courses: Per check column and value, a regular expression for the subject's diagnoses, each followed by a space.
        rule: Rule of change labels.
        whole: Whether these are all visits of each subject; in an excerpt only what no missing visit could explain
            contradicts a change label.
    """
    rule = rule or ChangeRule()
    found: list[Contradiction] = []
    for subject, history in group_by_subject(records).items():
        cases = (
            *(("diagnosis_against_cdr", *case) for case in _cdr(history, rule.severity)),
            *(("change_against_diagnoses", *case) for case in (_derived if whole else _impossible)(history, rule)),
            *(("course_against_diagnoses", *case) for case in _courses(history, courses or {})),
            *(("two_diagnoses", *case) for case in _two_diagnoses(history)),
            *(("dates_out_of_order", *case) for case in _disorder(history)),
            *(("ages_out_of_order", *case) for case in _ages(history)),
            *(("two_sexes", *case) for case in _sexes(history)),
        )
        found += [Contradiction(kind, f"{subject}: {text}", tuple(r.place for r in rows)) for kind, text, rows in cases]
    return found


def visit_number_notes(records: Sequence[Record]) -> list[str]:
    """Notes on subjects whose visits are not numbered 1, 2, 3, …: the table lacks some of them.

    Args:
        records: All visits, with a check ``visit_number``.
    """
    skipping = {}
    for subject, history in group_by_subject(records).items():
        numbers = sorted(int(number) for record in history if (number := _visit_number(record)) is not None)
        if numbers and numbers != list(range(1, len(numbers) + 1)):
            skipping[subject] = numbers
    if not skipping:
        return []
    shown = "; ".join(f"{subject}: {', '.join(map(str, numbers))}" for subject, numbers in list(skipping.items())[:4])
    return [f"visit numbers of {len(skipping)} subjects skip ({shown}): some of their visits are not in the table"]


Case = tuple[str, Sequence[Record]]


def _cdr(history: Sequence[Record], severity: Sequence[str]) -> Iterator[Case]:
    limits = {severity[0]: CDR_OF_MILDEST, severity[-1]: CDR_OF_MOST_SEVERE}
    for record in history:
        diagnosis = record.visit.get("diagnosis")
        for name, value in {**(record.visit.get("prior") or {}), **record.visit}.items():
            if diagnosis not in limits or not CDR_COLUMN.fullmatch(name) or isinstance(value, bool):
                continue
            if isinstance(value, (int, float)) and not limits[diagnosis][0] <= value <= limits[diagnosis][1]:
                yield f"{_session(record)} is {diagnosis} with {name} {value:g}", [record]


def _derived(history: Sequence[Record], rule: ChangeRule) -> Iterator[Case]:
    """What a label that came with the data and the one of the whole history disagree about."""
    if not any(record.visit.get("change") is not None for record in history):
        return
    course = [(record.visit["days_from_baseline"], record.visit["diagnosis"]) for record in history]
    for record, change in zip(history, change_labels(course, rule), strict=True):
        label = record.visit["change"]
        if label is not None and change.label is not None and change.label != label:
            text = f"{_session(record)} is labelled {label}, but its diagnoses say {change.label} ({change.reason})"
            yield text, [record]


def _impossible(history: Sequence[Record], rule: ChangeRule) -> Iterator[Case]:
    """Labels against a course that is seen, whatever happened at visits that are not here."""
    ranks = {name: rank for rank, name in enumerate(rule.severity)}
    known = [record for record in _in_time(history) if record.visit.get("diagnosis") in ranks]
    for position, record in enumerate(known):
        label, diagnosis = record.visit.get("change"), record.visit["diagnosis"]
        later = [other for other in known[position + 1 :] if _days(other) > _days(record)]
        if rule.horizon == NEXT_VISIT:
            later = later[:1]
        else:
            later = [other for other in later if _days(other) - _days(record) <= float(rule.horizon)]
        course = [ranks[diagnosis], *(ranks[other.visit["diagnosis"]] for other in later)]
        steps = [after - before for before, after in itertools.pairwise(course)]
        worse, better = any(step > 0 for step in steps), any(step < 0 for step in steps)
        impossible = {"stable": worse or better, "conversion": better, "reversion": worse}.get(str(label), False)
        end = (label, diagnosis) in (("conversion", rule.severity[-1]), ("reversion", rule.severity[0]))
        if impossible or end:
            names = ", ".join(str(other.visit["diagnosis"]) for other in (record, *later))
            yield f"{_session(record)} is labelled {label} with {names}", [record, *later]


def _courses(history: Sequence[Record], courses: Mapping[str, Mapping[str, str]]) -> Iterator[Case]:
    known = [r for r in history if r.visit.get("diagnosis") is not None]
    ordered = sorted(known, key=lambda r: (r.visit.get("days_from_baseline") or 0, _session(r)))
    diagnoses = [record.visit["diagnosis"] for record in ordered]
    for name, course in courses.items():
        # Codes are read in any case.
        expected = {**{value.upper(): pattern for value, pattern in course.items()}, **course}
        for value in dict.fromkeys(record.checks.get(name, "") for record in ordered):
            pattern = expected.get(value, expected.get(value.upper()))
            if pattern and not re.fullmatch(pattern, "".join(f"{dx} " for dx in diagnoses)):
                yield f"{name} says '{value}', but the diagnoses are {', '.join(diagnoses)}", ordered


def _two_diagnoses(history: Sequence[Record]) -> Iterator[Case]:
    groups: dict[tuple[str, object], list[Record]] = {}
    for record in history:
        groups.setdefault(("session", record.visit["session_id"]), []).append(record)
        groups.setdefault(("day", record.visit.get("days_from_baseline")), []).append(record)
    seen: set[tuple[str, ...]] = set()
    for (what, where), rows in groups.items():
        names = sorted({str(r.visit["diagnosis"]) for r in rows if r.visit.get("diagnosis") is not None})
        places = tuple(record.place for record in rows)
        if where is not None and len(names) > 1 and places not in seen:
            seen.add(places)
            sessions = " and ".join(dict.fromkeys(_session(record) for record in rows))
            yield f"{sessions}{' on one day' if what == 'day' else ''} is {' and '.join(names)}", rows


def _disorder(history: Sequence[Record]) -> Iterator[Case]:
    """Visits are numbered in the order of their dates, wherever names differ in nothing but a number."""
    ordered = _in_time(history)
    for record in ordered:
        if _days(record) < 0:
            yield f"{_session(record)} lies {-_days(record):g} days before the first visit", [record]
    for before, after in itertools.pairwise(ordered):
        numbers = _number(before), _number(after)
        if numbers[0] is None or numbers[1] is None or numbers[0][0] != numbers[1][0]:
            continue
        if numbers[0][1] > numbers[1][1] and _days(before) < _days(after):
            gap = _days(after) - _days(before)
            yield f"{_session(before)} comes {gap:g} days before {_session(after)}", [before, after]


def _number(record: Record) -> tuple[str, float] | None:
    """The number that a visit has by its name, and what else the name says."""
    if (number := _visit_number(record)) is not None:
        return "", number
    match = re.fullmatch(r"(\D*)(\d+)(\D*)", str(record.visit["session_id"]))
    return (match[1] + match[3], float(match[2])) if match else None


def _visit_number(record: Record) -> float | None:
    """What the table says of the visit's number; None where it says nothing, or nothing that is a number."""
    try:
        number = float(record.checks.get("visit_number") or "nan")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _ages(history: Sequence[Record]) -> Iterator[Case]:
    aged = [record for record in _in_time(history) if record.visit.get("age") is not None]
    if len({record.visit["age"] for record in aged}) < 2:
        return  # a cohort that gives everybody's age at baseline alone
    for before, after in itertools.pairwise(aged):
        older = float(after.visit["age"]) - float(before.visit["age"])
        years = (_days(after) - _days(before)) / 365.25
        if older < -AGE_SLACK or abs(older - years) > DATE_SLACK:
            text = f"{_session(after)} is {older:+.1f} years older than {_session(before)}, {years:.1f} years later"
            yield text, [before, after]


def _sexes(history: Sequence[Record]) -> Iterator[Case]:
    sexes = sorted({str(record.visit["sex"]) for record in history if record.visit.get("sex") is not None})
    if len(sexes) > 1:
        yield f"sex is {' and '.join(sexes)}", history


def _in_time(history: Sequence[Record]) -> list[Record]:
    dated = [record for record in history if record.visit.get("days_from_baseline") is not None]
    return sorted(dated, key=lambda record: (_days(record), _session(record)))


def _days(record: Record) -> float:
    return float(record.visit["days_from_baseline"])


def _session(record: Record) -> str:
    return str(record.visit["session_id"])
