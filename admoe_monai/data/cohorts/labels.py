"""Change labels from a subject's whole history of diagnoses: stable, conversion, reversion or unknown."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Literal

from admoe_monai.errors import UserError

from ..visits import Visit

__all__ = ["DAYS_PER_MONTH", "change_labels", "label_changes", "parse_horizon"]

DAYS_PER_MONTH = 365.25 / 12
NEXT_VISIT: Literal["next_visit"] = "next_visit"
Horizon = float | Literal["next_visit"]
SEVERITY = ("CN", "MCI", "AD")


def parse_horizon(text: str) -> Horizon:
    """Read a horizon or a follow-up as people write it.

    Args:
        text: ``next_visit``, or a time such as ``36m`` (months), ``3y`` (years) or ``1095d`` (days).

    Returns:
        ``"next_visit"`` or days.

    Raises:
        UserError: If it is none of these, or not positive.
    """
    if text == NEXT_VISIT:
        return NEXT_VISIT
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([dmy])", text.strip())
    if match is None or float(match[1]) <= 0:
        raise UserError(
            f"horizon {text!r} is not understood: write next_visit, 36m (months), 3y (years) or 1095d (days)"
        )
    return float(match[1]) * {"d": 1.0, "m": DAYS_PER_MONTH, "y": 365.25}[match[2]]


def change_labels(
    history: Sequence[tuple[float | None, str | None]],
    *,
    horizon: Horizon = NEXT_VISIT,
    min_followup: float | None = None,
    change_for_ad: Literal["null", "stable"] = "null",
    severity: Sequence[str] = SEVERITY,
) -> list[str | None]:
    """Label every visit of one subject by what happens to the diagnosis within the horizon after it.

    - ``conversion``: it only gets worse; ``reversion``: it only gets better.
    - ``stable``: it stays, seen until ``min_followup`` at least. A visit after the horizon counts if it still says
      the same; if it says something else, nobody knows when that came about.
    - ``None``: too short a follow-up, a course that gets both worse and better inside the horizon, an unknown
      diagnosis or day.

    With ``next_visit`` the horizon is the next visit with a diagnosis, however late.

    Args:
        history: (days from baseline, diagnosis) of all the subject's visits, in any order, before any filter.
        horizon: days, or ``"next_visit"``.
        min_followup: days that a stable course must have been seen; the horizon itself by default.
        change_for_ad: ``"null"`` leaves visits at the most severe stage without a label, since they can't convert;
            ``"stable"`` treats them like the others.
        severity: diagnoses from the mildest to the most severe.

    Returns:
        One label per visit, in the order of ``history``.

    Raises:
        UserError: If a diagnosis is not in ``severity``.
    """
    ranks = {name: rank for rank, name in enumerate(severity)}
    for _, diagnosis in history:
        if diagnosis is not None and diagnosis not in ranks:
            raise UserError(f"diagnosis {diagnosis!r} has no place in the order {' < '.join(severity)}")
    course = sorted((days, ranks[dx]) for days, dx in history if days is not None and dx is not None)
    labels: list[str | None] = []
    for days, diagnosis in history:
        rank = ranks.get(diagnosis or "")
        if days is None or rank is None or (change_for_ad == "null" and rank == len(severity) - 1):
            labels.append(None)
            continue
        later = [(other - days, other_rank) for other, other_rank in course if other > days]
        if horizon == NEXT_VISIT:
            labels.append(_direction([rank, later[0][1]]) if later else None)
        else:
            labels.append(_within(rank, later, horizon, horizon if min_followup is None else min_followup))
    return labels


def _within(rank: int, later: list[tuple[float, int]], horizon: float, min_followup: float) -> str | None:
    inside = [(delay, other) for delay, other in later if delay <= horizon]
    label = _direction([rank, *(other for _, other in inside)])
    if label != "stable" or (inside and inside[-1][0] >= min_followup):
        return label
    after = later[len(inside) :]
    return label if after and after[0][1] == rank else None


def _direction(ranks: list[int]) -> str | None:
    steps = [after - before for before, after in itertools.pairwise(ranks)]
    worse, better = any(step > 0 for step in steps), any(step < 0 for step in steps)
    if worse and better:
        return None
    return "conversion" if worse else "reversion" if better else "stable"


def label_changes(
    visits: Sequence[Visit],
    *,
    horizon: Horizon = NEXT_VISIT,
    min_followup: float | None = None,
    change_for_ad: Literal["null", "stable"] = "null",
    severity: Sequence[str] = SEVERITY,
) -> list[Visit]:
    """Return the visits of a cohort with their ``change``, in the same order.

    Args:
        visits: all visits of all subjects, before any filter.
        horizon: see :func:`change_labels`.
        min_followup: see :func:`change_labels`.
        change_for_ad: see :func:`change_labels`.
        severity: see :func:`change_labels`.
    """
    rows: dict[str, list[int]] = {}
    for row, visit in enumerate(visits):
        rows.setdefault(visit["subject_id"], []).append(row)
    labelled = [dict(visit) for visit in visits]
    for members in rows.values():
        history = [(visits[row]["days_from_baseline"], visits[row]["diagnosis"]) for row in members]
        labels = change_labels(
            history, horizon=horizon, min_followup=min_followup, change_for_ad=change_for_ad, severity=severity
        )
        for row, label in zip(members, labels, strict=True):
            labelled[row]["change"] = label
    return labelled
