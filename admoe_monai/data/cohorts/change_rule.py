"""The rule of change labels: horizon, follow-up and order of diagnoses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from admoe_monai.errors import UserError

from .days import DAYS_PER_MONTH

__all__ = ["CHANGES", "NEXT_VISIT", "SEVERITY", "ChangeRule", "parse_time"]

NEXT_VISIT: Literal["next_visit"] = "next_visit"
Horizon = float | Literal["next_visit"]
SEVERITY = ("CN", "MCI", "AD")
CHANGES = ("stable", "conversion", "reversion")
#: Yearly visits come some weeks early as often as late: nine tenths of the horizon count as having seen it.
FOLLOWUP_SHARE = 0.9


def parse_time(text: str, what: str = "horizon") -> Horizon:
    """Parse a horizon or a follow-up, such as ``36m``.

    Args:
        text: ``next_visit``, or a time such as ``36m`` (months), ``3y`` (years) or ``1095d`` (days).
        what: Name of the option, for the message.

    Returns:
        ``"next_visit"`` or days.

    Raises:
        UserError: If the text is none of these, or not positive.
    """
    if text == NEXT_VISIT:
        return NEXT_VISIT
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([dmy])", text.strip())
    if match is None or float(match[1]) <= 0:
        raise UserError(
            f"{what} {text!r} is not understood: write next_visit, 36m (months), 3y (years) or 1095d (days)"
        )
    return float(match[1]) * {"d": 1.0, "m": DAYS_PER_MONTH, "y": 365.25}[match[2]]


@dataclass(frozen=True)
class ChangeRule:
    """Rule by which the course of diagnoses after a visit becomes its change label.

    - ``conversion``: the diagnosis only gets worse within the horizon; ``reversion``: it only gets better.
    - ``stable``: it stays, seen until ``min_followup`` at least. A visit after the horizon counts if it still says
      the same; if it says something else, the time of the change is unknown.
    - None: too short a follow-up, a course that gets both worse and better inside the horizon, an unknown diagnosis
      or day.

    Args:
        horizon: Days, or ``"next_visit"``: the next visit with a diagnosis, however late.
        min_followup: Days for which a stable course must have been observed; 0.9 of the horizon by default.
        change_for_ad: ``"null"`` leaves visits at the most severe stage without a label, since they can't convert;
            ``"stable"`` treats them like the others.
        severity: Diagnoses from the mildest to the most severe.

    Raises:
        UserError: If a value is not one of these, or a follow-up is named for the next visit.
    """

    horizon: Horizon = NEXT_VISIT
    min_followup: float | None = None
    change_for_ad: Literal["null", "stable"] = "null"
    severity: Sequence[str] = SEVERITY

    def __post_init__(self) -> None:
        if self.change_for_ad not in ("null", "stable"):
            raise UserError(f"change_for_ad must be one of null, stable, got '{self.change_for_ad}'")
        if self.min_followup is not None and self.horizon == NEXT_VISIT:
            raise UserError("min_followup is a time such as 24m, and goes with a horizon that is one")

    @classmethod
    def parse(
        cls,
        horizon: str,
        min_followup: str | None = None,
        change_for_ad: Literal["null", "stable"] = "null",
        severity: Sequence[str] = SEVERITY,
    ) -> ChangeRule:
        """Make a rule from text such as ``36m``.

        Args:
            horizon: Text for :func:`parse_time`.
            min_followup: The same.
            change_for_ad: As for the class.
            severity: As for the class.

        Raises:
            UserError: If a text is not understood, or the follow-up is longer than the horizon.
        """
        followup = None if min_followup is None else parse_time(min_followup, "min_followup")
        if followup == NEXT_VISIT:
            raise UserError("min_followup is a time such as 24m, and goes with a horizon that is one")
        until = parse_time(horizon)
        if followup is not None and until != NEXT_VISIT and float(followup) > float(until):
            raise UserError(
                f"min_followup {min_followup} is longer than the horizon {horizon}, after which nothing changes a label: "
                f"take --horizon {min_followup}, or a shorter --min_followup"
            )
        return cls(until, None if followup is None else float(followup), change_for_ad, severity)

    @property
    def followup(self) -> float | None:
        """Days for which a stable course must have been observed; None for the next visit."""
        if self.horizon == NEXT_VISIT:
            return None
        return FOLLOWUP_SHARE * float(self.horizon) if self.min_followup is None else self.min_followup

    @classmethod
    def described(cls, definition: Mapping[str, Any]) -> ChangeRule:
        """Rule by which given labels can be compared with a course of diagnoses.

        Args:
            definition: Output of :meth:`as_dict`; without a horizon it is 0 days, within which nothing contradicts a
                label but the end of the course.
        """
        if definition.get("horizon") == NEXT_VISIT:
            return cls(NEXT_VISIT)
        return cls(float(definition.get("horizon_days") or 0.0))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for the datalist."""
        days = None if self.horizon == NEXT_VISIT else round(float(self.horizon), 2)
        return {
            "horizon": self.horizon if days is None else f"{float(self.horizon) / DAYS_PER_MONTH:g}m",
            "horizon_days": days,
            "min_followup_days": None if self.followup is None else round(self.followup, 2),
            "change_for_ad": self.change_for_ad,
        }
