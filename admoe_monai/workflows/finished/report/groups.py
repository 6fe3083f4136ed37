"""Groups of people in a report: how well each is predicted, and how that differs from the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admoe_monai.evaluation.groups import PRIMARY, differences_in
from admoe_monai.evaluation.pages.report_page import Section
from admoe_monai.evaluation.pages.wording import missing, value_of, with_interval
from admoe_monai.people import FEWEST_PEOPLE, people

from .summary import right_by_class


def groups(section: Section, numbers: Mapping[str, Any]) -> None:
    """Add a table per grouping.

    Args:
        section: Section to add to.
        numbers: Numbers of the report.
    """
    for column, grouped in numbers["groups"].items():
        section.heading(f"By {column.replace('_', ' ')}")
        rows = [
            [f"{group}, {task}", figures[task]["n_subjects"], right_by_class(figures[task]), *_of_group(figures[task])]
            for group, figures in grouped.items()
            for task in figures
            if figures[task]["n_subjects"]
        ]
        section.table(["", "people", "right by class", "balanced accuracy", "minus the others"], rows)
    number = differences_in(numbers["groups"])
    if number:
        section.text(
            f"Differences to the others have intervals of 95 %: of these {number}, about {0.05 * number:.1f} exclude zero by "
            "chance alone. Two groups of a kind mirror each other; whoever has visits in both is drawn for both."
        )


def _of_group(figures: Mapping[str, Any]) -> list[str]:
    number, minus = figures["n_subjects"], figures["minus_others"]
    if number < FEWEST_PEOPLE:
        return [missing(f"{people(number)}: too few"), ""]
    return [with_interval(figures["metrics"][PRIMARY], number), _beside(minus, number)]


def _beside(minus: Mapping[str, Any], number: int) -> str:
    if minus["value"] is None:
        return missing(minus["note"])
    # The cell before it says of whom there are too few, or the row of the others does.
    value = value_of(minus, number, sign=True)
    return f"{value} {missing('no interval')}" if minus["low"] is None else with_interval(minus, number, sign=True)
