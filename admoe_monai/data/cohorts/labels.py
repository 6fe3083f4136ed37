"""Change labels from a subject's whole history of diagnoses: stable, conversion, reversion or unknown."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from admoe_monai.errors import UserError

from ..visits import Visit
from .change_rule import NEXT_VISIT, ChangeRule

__all__ = ["Change", "change_labels", "fill_diagnoses", "label_changes"]


@dataclass(frozen=True)
class Change:
    """Change label of one visit, with its reason.

    Attributes:
        label: ``stable``, ``conversion``, ``reversion`` or None.
        event: ``conversion`` or ``reversion``, whichever came first at any time after the visit, else None.
        event_days: Days from the visit to the first visit with another diagnosis.
        followup_days: Days from the visit to the last one with a diagnosis.
        reason: Reason for the label, in words.
    """

    label: str | None
    event: str | None = None
    event_days: float | None = None
    followup_days: float | None = None
    reason: str = ""


def change_labels(history: Sequence[tuple[float | None, str | None]], rule: ChangeRule | None = None) -> list[Change]:
    """Label every visit of one subject by the course of the diagnosis after it.

    Args:
        history: (days from baseline, diagnosis) of all the subject's visits, in any order, before any filter.
        rule: Rule of labelling; the next visit decides by default.

    Returns:
        One change per visit, in the order of ``history``.

    Raises:
        UserError: If a diagnosis is not in the rule's order of severity.
    """
    rule = rule or ChangeRule()
    ranks = {name: rank for rank, name in enumerate(rule.severity)}
    for _, diagnosis in history:
        if diagnosis is not None and diagnosis not in ranks:
            raise UserError(f"diagnosis {diagnosis!r} has no place in the order {' < '.join(rule.severity)}")
    course = sorted((days, ranks[dx]) for days, dx in history if days is not None and dx is not None)
    return [_change(days, ranks.get(diagnosis or ""), course, rule) for days, diagnosis in history]


def _change(days: float | None, rank: int | None, course: list[tuple[float, int]], rule: ChangeRule) -> Change:
    if rank is None:
        return Change(None, reason="no diagnosis")
    if days is None:
        return Change(None, reason="no day")
    later = [(other - days, other_rank) for other, other_rank in course if other > days]
    followup = later[-1][0] if later else 0.0
    first = next(((delay, other) for delay, other in later if other != rank), None)
    event = None if first is None else "conversion" if first[1] > rank else "reversion"
    event_days = None if first is None else first[0]
    if rule.change_for_ad == "null" and rank == len(rule.severity) - 1:
        label, reason = None, f"{rule.severity[-1]} can't convert"
    elif not later:
        label, reason = None, "last visit with a diagnosis"
    elif rule.horizon == NEXT_VISIT:
        label = _direction([rank, later[0][1]])
        reason = f"next diagnosis after {later[0][0]:g} days"
    else:
        label, reason = _within(rank, later, float(rule.horizon), rule.followup or 0.0)
    return Change(label, event, event_days, followup, reason)


def _within(rank: int, later: list[tuple[float, int]], horizon: float, min_followup: float) -> tuple[str | None, str]:
    inside = [(delay, other) for delay, other in later if delay <= horizon]
    label = _direction([rank, *(other for _, other in inside)])
    if label is None:
        return None, "worse and better within the horizon"
    if label != "stable":
        return label, "within the horizon"
    if inside and inside[-1][0] >= min_followup:
        return label, f"the same for {inside[-1][0]:g} days"
    after = later[len(inside) :]
    if not after:
        return None, f"followed for {inside[-1][0]:g} days only" if inside else "not followed"
    if after[0][1] == rank:
        return label, f"the same after {after[0][0]:g} days"
    return None, "changed after the horizon or before, nobody knows"


def _direction(ranks: list[int]) -> str | None:
    steps = [after - before for before, after in itertools.pairwise(ranks)]
    worse, better = any(step > 0 for step in steps), any(step < 0 for step in steps)
    if worse and better:
        return None
    return "conversion" if worse else "reversion" if better else "stable"


def label_changes(visits: Sequence[Visit], rule: ChangeRule | None = None) -> list[Visit]:
    """Add to the visits of a cohort ``change``, ``event``, ``event_days``, ``followup_days`` and ``change_reason``.

    A visit that brings a change label along keeps it.

    Args:
        visits: All visits of all subjects, before any filter; they are copied.
        rule: As for :func:`change_labels`.
    """
    rows: dict[str, list[int]] = {}
    for row, visit in enumerate(visits):
        rows.setdefault(visit["subject_id"], []).append(row)
    labelled = [dict(visit) for visit in visits]
    for members in rows.values():
        history = [(visits[row]["days_from_baseline"], visits[row]["diagnosis"]) for row in members]
        for row, change in zip(members, change_labels(history, rule), strict=True):
            visit = labelled[row]
            given = visit.get("change") is not None
            visit["change"] = visit["change"] if given else change.label
            visit["change_reason"] = "given with the data" if given else change.reason
            visit |= {name: getattr(change, name) for name in ("event", "event_days", "followup_days")}
    return labelled


def fill_diagnoses(visits: Sequence[Visit], window_days: float) -> int:
    """Give a visit without a diagnosis the subject's nearest one in time, with its change label, in place.

    Called after the change labels are made: a diagnosis that is lent to a scan is no further point of the history.

    Args:
        visits: All visits of all subjects, labelled.
        window_days: Largest distance in days.

    Returns:
        Number of visits that got one.
    """
    histories: dict[str, list[Visit]] = {}
    for visit in visits:
        if visit["diagnosis"] is not None and visit["days_from_baseline"] is not None:
            histories.setdefault(visit["subject_id"], []).append(visit)
    filled = 0
    for visit in visits:
        day, known = visit["days_from_baseline"], histories.get(visit["subject_id"])
        if visit["diagnosis"] is not None or day is None or not known:
            continue
        nearest = min(known, key=lambda other: (abs(other["days_from_baseline"] - day), other["days_from_baseline"]))
        distance = nearest["days_from_baseline"] - day
        if abs(distance) <= window_days:
            visit |= {name: nearest[name] for name in ("diagnosis", "label_source", "change", "event", "change_reason")}
            for name in ("event_days", "followup_days"):
                visit[name] = None if nearest[name] is None else nearest[name] + distance
            visit["diagnosis_reason"] = f"of {nearest['session_id']}, {distance:+g} days away"
            filled += 1
    return filled
