"""The result of an audit: for a terminal and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich import box
from rich.table import Table

from admoe_monai.evaluation.pages.text import format_interval, format_number, render_table

from .finding import SEVERITIES, Finding, leaks
from .probes import Probe

__all__ = ["AuditReport", "format_report"]


@dataclass(frozen=True)
class AuditReport:
    """Scope and findings of an audit.

    Attributes:
        cohort: Name, datalist, whether it is simulated, and subjects and visits per split.
        checks: Groups of checks that were run.
        findings: Findings, the worst first.
        probes: Figures of the probes.
    """

    cohort: Mapping[str, Any]
    checks: tuple[str, ...]
    findings: tuple[Finding, ...]
    probes: tuple[Probe, ...] = field(default=())

    @property
    def leaks(self) -> list[Finding]:
        """Findings because of which training refuses."""
        return leaks(self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Plain Python values, for JSON."""
        return {
            "cohort": dict(self.cohort),
            "checks": list(self.checks),
            "counts": self.counts(),
            "findings": [finding.as_dict() for finding in self.findings],
            "probes": [probe.as_dict() for probe in self.probes],
        }

    def counts(self) -> dict[str, int]:
        """Number of findings per severity."""
        found = Counter(finding.severity for finding in self.findings)
        return {severity: found[severity] for severity in SEVERITIES}


def format_report(report: AuditReport, width: int = 120) -> str:
    """Format an audit as text: cohort, findings, figures of the probes.

    Args:
        report: Report to format.
        width: Largest width of the tables, in characters.
    """
    cohort = report.cohort
    splits = ", ".join(f"{split} {n['subjects']} ({n['visits']})" for split, n in cohort["splits"].items())
    simulated = " (SIMULATED)" if cohort["simulated"] else ""
    lines = [f"{cohort['name']}{simulated}: subjects (visits) {splits}", f"checked: {', '.join(report.checks)}"]
    if report.findings:
        findings = Table("severity", "check", "finding", box=box.SIMPLE)
        for finding in report.findings:
            findings.add_row(finding.severity, finding.check.replace("_", " "), finding.message)
        lines += render_table(findings, width)
    if any(probe.value is not None for probe in report.probes):
        lines += render_table(_probe_table(report), width)
    counts = report.counts()
    verdict = "LEAK: do not train on this datalist" if counts["leak"] else "no leak found"
    numbers = [f"{number} {severity}{'' if number == 1 else 's'}" for severity, number in counts.items()]
    lines.append(f"{verdict} ({', '.join(numbers)})")
    return "\n".join(lines)


def _probe_table(report: AuditReport) -> Table:
    table = Table("probe", "task", "balanced accuracy", "chance", "subjects", "note", box=box.SIMPLE)
    for probe in report.probes:
        if probe.value is not None:
            figure = f"{format_number(probe.value)} {format_interval(probe.low, probe.high)}"
            table.add_row(
                probe.name, probe.task, figure, format_number(probe.chance), str(probe.n_subjects), probe.note
            )
    return table
