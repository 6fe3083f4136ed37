"""A cohort of a few visits in the place of a whole one, to try out a step."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from typing import Any

from admoe_monai.data import Datalist


def few_visits(cohort: Datalist, scans: int, labelled: bool) -> Datalist:
    """Take two visits of each split, and repeat those of training until they fill a batch.

    Args:
        cohort: Whole cohort.
        scans: Number of scans in a batch.
        labelled: Whether they need labels.

    Returns:
        Cohort with everything else as before; its visits of training are `scans`, or two if that is more.
    """
    splits = {split: _two(visits, list(cohort.classes), labelled) for split, visits in cohort.splits.items()}
    # A deviation over features of one visit would be none.
    splits["training"] = list(islice(cycle(splits["training"]), max(scans, 2)))
    return dataclasses.replace(cohort, splits=splits)


def _two(visits: Sequence[Mapping[str, Any]], tasks: Sequence[str], labelled: bool) -> list[Any]:
    """Choose the visit with the most labels, and the one whose labels differ most from its."""
    known = [visit for visit in visits if any(visit.get(task) is not None for task in tasks)]
    candidates = known if labelled and known else list(visits)
    if len(candidates) < 2:
        return candidates

    first = max(candidates, key=lambda visit: sum(visit.get(task) is not None for task in tasks))
    others = [visit for visit in candidates if visit is not first]
    return [
        first,
        max(others, key=lambda visit: sum(visit.get(task) not in (None, first.get(task)) for task in tasks)),
    ]
