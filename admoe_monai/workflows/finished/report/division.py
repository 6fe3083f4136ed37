"""How a cohort was divided into splits, as far as its datalist tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admoe_monai.data import Datalist

#: What a datalist may say of its division, in the order in which it is told.
SAID = ("seed", "fractions", "folds", "fold", "holdout", "listed")


def division_in_words(cohort: Datalist) -> str:
    """Say by which rule people came into splits; nothing where the datalist does not tell.

    Args:
        cohort: Cohort of a run.
    """
    return ", ".join(f"{name} {value}" for name, value in _rule(cohort).items() if name in SAID)


def held_out(cohort: Datalist) -> str | None:
    """Name whose people are the test split, such as ``site B``; None where it was drawn from all people.

    Args:
        cohort: Cohort of a run.
    """
    holdout = _rule(cohort).get("holdout")
    if not holdout:
        return None
    field, _, value = str(holdout).partition("=")
    name = field.replace("_", " ")
    if value:
        return f"{name} {value}"
    # One datalist for each value was made: this one's is the value that nobody else has.
    tested = _values(cohort, field, "test") - _values(cohort, field, "training") - _values(cohort, field, "validation")
    return f"{name} {tested.pop()}" if len(tested) == 1 else f"one {name}"


def _rule(cohort: Datalist) -> Mapping[str, Any]:
    rule = cohort.label_definition.get("split")
    return rule if isinstance(rule, Mapping) else {}


def _values(cohort: Datalist, field: str, split: str) -> set[str]:
    return {str(visit[field]) for visit in cohort.splits.get(split, []) if visit.get(field) is not None}
