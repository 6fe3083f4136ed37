"""Mistakes in a report: the surest ones, and what those who are called wrong have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admoe_monai.evaluation.failures import said_of_wrong
from admoe_monai.evaluation.pages.report_page import Section
from admoe_monai.evaluation.pages.wording import DASH


def wrong(section: Section, numbers: Mapping[str, Any]) -> None:
    """Add what the wrong have in common, and a table of the surest mistakes per task.

    Args:
        section: Section to add to.
        numbers: Numbers of the report.
    """
    if not numbers["worst_cases"]:
        return
    section.heading("Who is called wrong: first labelled visit of each test person")
    section.items([line for task, found in numbers["wrong"].items() for line in said_of_wrong(task, found)])
    for task in numbers["wrong"]:
        cases = [case for case in numbers["worst_cases"] if case["task"] == task]
        if cases:
            section.heading(f"The surest mistakes: {task}")
            rows = [
                [
                    f"{case['subject_id']} {case['session_id']}",
                    f"{case['truth']}, called {case['called']}",
                    f"{case['probability']:.2f}",
                    *(_known(case[name]) for name in ("age", "sex", "site", "scanner")),
                ]
                for case in cases
            ]
            section.table(["", "true", "probability", "age", "sex", "site", "scanner"], rows, numeric=False)


def _known(value: Any) -> str:
    if value is None or value != value or value == "":
        return DASH
    return f"{value:.0f}" if isinstance(value, float) else str(value)
