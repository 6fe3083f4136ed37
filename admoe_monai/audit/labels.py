"""Labels that contradict each other within a subject's history."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from admoe_monai.data import Datalist
from admoe_monai.data.cohorts.labels import NEXT_VISIT, SEVERITY

from .entries import Entry, grouped
from .finding import Finding, examples

__all__ = ["label_findings"]

#: Slack before an age counts as running backwards, or as not fitting the dates, in years.
AGE_SLACK, DATE_SLACK = 0.1, 2.0
_CDR = re.compile(r"(?i)^cdr(_?glob(al)?)?$")
_RANKS = {name: rank for rank, name in enumerate(SEVERITY)}


def label_findings(datalist: Datalist, entries: Sequence[Entry]) -> list[Finding]:
    """Find contradictions; none of them is a leak, each is a warning.

    Args:
        datalist: whose definition of change labels holds.
        entries: its rows.
    """
    histories = [_in_time(group) for group in grouped(entries, lambda entry: entry.subject).values()]
    rule = datalist.label_definition.get("change") or {}
    return [
        *_report(
            "change_against_diagnoses", "change label(s) contradict the diagnoses after them", _changes(histories, rule)
        ),
        *_report("diagnosis_against_cdr", "diagnoses contradict the CDR", _against_cdr(entries)),
        *_report("two_diagnoses", "session(s) with two diagnoses", _two_diagnoses(entries)),
        *_report("dates_out_of_order", "visit(s) out of order in time", _disorder(histories)),
        *_report("ages_out_of_order", "age(s) that don't fit the dates", _ages(histories)),
        *_label_sources(entries),
    ]


Case = tuple[str, list[Entry]]


def _report(check: str, what: str, cases: list[Case]) -> list[Finding]:
    if not cases:
        return []
    rows = tuple(dict.fromkeys(entry.place for _, members in cases for entry in members))
    return [Finding(check, "warning", f"{len(cases)} {what}: {examples([text for text, _ in cases])}", rows)]


def _in_time(history: Sequence[Entry]) -> list[Entry]:
    dated = [entry for entry in history if entry.visit.get("days_from_baseline") is not None]
    return sorted(dated, key=lambda entry: (entry.visit["days_from_baseline"], entry.session))


def _changes(histories: Sequence[Sequence[Entry]], rule: Mapping[str, Any]) -> list[Case]:
    """Only what no missing visit could explain: a course that is seen and says something else than the label."""
    horizon = rule.get("horizon_days")
    cases: list[Case] = []
    for history in histories:
        known = [entry for entry in history if entry.visit.get("diagnosis") in _RANKS]
        for position, entry in enumerate(known):
            label, diagnosis = entry.visit.get("change"), entry.visit["diagnosis"]
            later = [other for other in known[position + 1 :] if _days(other) > _days(entry)]
            if horizon is not None:
                later = [other for other in later if _days(other) - _days(entry) <= horizon]
            elif rule.get("horizon") == NEXT_VISIT:
                later = later[:1]
            else:
                later = []
            ranks = [_RANKS[diagnosis], *(_RANKS[other.visit["diagnosis"]] for other in later)]
            steps = [after - before for before, after in itertools.pairwise(ranks)]
            worse, better = any(step > 0 for step in steps), any(step < 0 for step in steps)
            impossible = {"stable": worse or better, "conversion": better, "reversion": worse}.get(str(label), False)
            end = (label, diagnosis) in (("conversion", SEVERITY[-1]), ("reversion", SEVERITY[0]))
            if impossible or end:
                course = ", ".join(str(other.visit["diagnosis"]) for other in (entry, *later))
                cases.append((f"{entry.place} ({entry.subject}) is '{label}' with {course}", [entry, *later]))
    return cases


def _days(entry: Entry) -> float:
    return float(entry.visit["days_from_baseline"])


def _against_cdr(entries: Sequence[Entry]) -> list[Case]:
    cases: list[Case] = []
    for entry in entries:
        cells = {**(entry.visit.get("prior") or {}), **entry.visit}
        for name, value in cells.items():
            if not _CDR.match(name) or isinstance(value, bool) or not isinstance(value, (int, float)):
                continue
            diagnosis = entry.visit.get("diagnosis")
            if (diagnosis == SEVERITY[0] and value >= 1) or (diagnosis == SEVERITY[-1] and value == 0):
                cases.append((f"{entry.place} ({entry.subject}) is {diagnosis} with {name} {value:g}", [entry]))
    return cases


def _two_diagnoses(entries: Sequence[Entry]) -> list[Case]:
    cases: list[Case] = []
    for (subject, session), group in grouped(entries, lambda entry: (entry.subject, entry.session)).items():
        names = sorted({str(entry.visit["diagnosis"]) for entry in group if entry.visit.get("diagnosis") is not None})
        if len(names) > 1:
            cases.append((f"{subject} {session} is {' and '.join(names)}", group))
    return cases


def _disorder(histories: Sequence[Sequence[Entry]]) -> list[Case]:
    """Sessions are numbered in the order of their dates, wherever their names differ in nothing but a number."""
    cases: list[Case] = []
    for history in histories:
        cases.extend(
            (f"{e.place} ({e.subject}) lies {-_days(e):g} days before the baseline", [e])
            for e in history
            if _days(e) < 0
        )
        for before, after in itertools.pairwise(history):
            numbers = [re.fullmatch(r"(\D*)(\d+)(\D*)", entry.session) for entry in (before, after)]
            if numbers[0] is None or numbers[1] is None or numbers[0].group(1, 3) != numbers[1].group(1, 3):
                continue
            if int(numbers[0][2]) > int(numbers[1][2]) and _days(before) < _days(after):
                gap = _days(after) - _days(before)
                text = f"{before.session} of {before.subject} comes {gap:g} days before {after.session}"
                cases.append((text, [before, after]))
    return cases


def _ages(histories: Sequence[Sequence[Entry]]) -> list[Case]:
    cases: list[Case] = []
    for history in histories:
        aged = [entry for entry in history if entry.visit.get("age") is not None]
        for before, after in itertools.pairwise(aged):
            older = float(after.visit["age"]) - float(before.visit["age"])
            years = (_days(after) - _days(before)) / 365.25
            if older < -AGE_SLACK or abs(older - years) > DATE_SLACK:
                text = f"{after.place} ({after.subject}) is {older:+.1f} years older {years:.1f} years later"
                cases.append((text, [before, after]))
    return cases


def _label_sources(entries: Sequence[Entry]) -> list[Finding]:
    sources = Counter(str(e.visit.get("label_source")) for e in entries if e.visit.get("diagnosis") is not None)
    if len(sources) < 2:
        return []
    counts = ", ".join(f"{name} {number}" for name, number in sources.most_common())
    return [Finding("mixed_label_sources", "warning", f"diagnoses come from {len(sources)} sources: {counts}")]
