"""Leakage guard: overlap between the splits of a datalist, and inputs that give its labels away.

``cheap_audit`` needs the datalist alone; ``full_audit`` also reads the images and runs probes.
"""

from __future__ import annotations

from .audits import cheap_audit, full_audit
from .finding import Finding, leaks
from .pretraining import pretraining_visits
from .report import AuditReport, format_report

__all__ = [
    "AuditReport",
    "Finding",
    "cheap_audit",
    "format_report",
    "full_audit",
    "leaks",
    "pretraining_visits",
]
