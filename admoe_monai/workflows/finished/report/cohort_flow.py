"""Who is in the cohort, who was left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from admoe_monai.data import Datalist
from admoe_monai.data.visits import first_visits, person_of
from admoe_monai.evaluation.pages.report_page import Section
from admoe_monai.evaluation.pages.wording import missing
from admoe_monai.people import people


def flow(section: Section, cohort: Datalist) -> None:
    """Add the way of people into the splits: what was left out and why, and who they are.

    Args:
        section: Section to add to.
        cohort: Cohort of the run.
    """
    section.heading("Who is in, who is out")
    section.items([*left_out(cohort), *_without_label(cohort)])
    rows = [_characteristics(split, visits) for split, visits in cohort.splits.items() if visits]
    section.table(["split", "people", "age at the first visit", "sex", "visits each", "followed for"], rows)


def left_out(cohort: Datalist) -> list[str]:
    """Say how many visits were left out when the datalist was made, by reason.

    Args:
        cohort: Cohort of the run.
    """
    reasons: Mapping[str, Any] = cohort.report.get("exclusions") or {}
    if not cohort.report:
        return ["The datalist does not say who was left out of it."]
    if not reasons:
        return ["Nobody and no visit was left out when the datalist was made."]
    return [
        f"Left out: {_visits(found['visits'])}, {reason} ({people(found['subjects'])} with them)."
        for reason, found in reasons.items()
    ]


def ages(visits: Sequence[Mapping[str, Any]]) -> str:
    """Write mean and deviation of the ages at first visits, and how many are unknown.

    Args:
        visits: First visit of each person.
    """
    known = np.array([visit["age"] for visit in visits if visit.get("age") is not None], dtype=float)
    if not len(known):
        return missing("unknown")
    spread = f" ({known.std(ddof=1):.1f})" if len(known) > 1 else ""
    absent = f", {len(visits) - len(known)} unknown" if len(known) < len(visits) else ""
    return f"{known.mean():.1f}{spread}{absent}"


def _characteristics(split: str, visits: Sequence[Mapping[str, Any]]) -> list[Any]:
    first = [visits[place] for place in first_visits(visits)]
    sexes = Counter(str(visit.get("sex") or "unknown") for visit in first)
    number = Counter(map(person_of, visits))
    days: dict[str, float] = {}
    for visit in visits:
        days[person_of(visit)] = max(days.get(person_of(visit), 0.0), visit.get("days_from_baseline") or 0.0)
    return [
        split,
        len(first),
        ages(first),
        ", ".join(f"{name} {count}" for name, count in sorted(sexes.items())),
        f"{min(number.values())} to {max(number.values())}",
        f"{np.median([*days.values()]) / 365.25:.1f} years (median)",
    ]


def _without_label(cohort: Datalist) -> list[str]:
    reasons: Mapping[str, int] = cohort.report.get("unknown_change") or {}
    return [f"Without a label of change: {_visits(number)} ({reason})." for reason, number in reasons.items()]


def _visits(number: int) -> str:
    return f"{number} visit{'' if number == 1 else 's'}"
