"""One thing that the audit found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["SEVERITIES", "Finding", "Severity", "examples", "leaks"]

Severity = Literal["leak", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("leak", "warning", "note")

NAMED = 3


@dataclass(frozen=True)
class Finding:
    """A fault, its severity and its place.

    Attributes:
        check: Short name of the check.
        severity: ``leak`` (figures on this datalist would be wrong: training refuses), ``warning`` (a person
            must judge) or ``note`` (something could not be checked).
        message: One line.
        rows: Places in the datalist, such as ``training[3]``.
    """

    check: str
    severity: Severity
    message: str
    rows: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain Python values, for JSON."""
        return {**asdict(self), "rows": list(self.rows)}


def leaks(findings: Iterable[Finding]) -> list[Finding]:
    """Filter the findings that are leaks."""
    return [finding for finding in findings if finding.severity == "leak"]


def examples(texts: Sequence[str]) -> str:
    """Join the first three texts, and say how many more there are.

    Args:
        texts: One per case.
    """
    more = f" and {len(texts) - NAMED} more" if len(texts) > NAMED else ""
    return "; ".join(texts[:NAMED]) + more
