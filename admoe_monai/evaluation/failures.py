"""Who is predicted wrong: the surest mistakes one by one, and what the wrong have in common.

Newcombe, R. G., "Interval estimation for the difference between independent proportions", Stat. Med. 17 (1998): method 10,
from two intervals of Wilson.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from admoe_monai.evaluation.evaluate import labelled_visits
from admoe_monai.evaluation.groups import with_groups
from admoe_monai.evaluation.predictions import PredictionTable
from admoe_monai.evaluation.shares import wilson
from admoe_monai.people import FEWEST_PEOPLE

#: What the wrong may have in common: what is true, and columns of visits. A person has one visit here.
FACTORS = ("sex", "age_band", "site", "scanner", "field_strength", "cohort")
#: What is told of each of the surest mistakes, beside truth, call and probability.
ABOUT = ("subject_id", "session_id", "age", "sex", "site", "scanner")
WORST = 10


def worst_cases(table: PredictionTable, number: int = WORST) -> pd.DataFrame:
    """List the surest mistakes: wrong calls of first labelled visits by their probability, the highest first.

    Args:
        table: Predictions with the true labels.
        number: Number of mistakes of each task, at most.

    Returns:
        Columns ``task``, ``subject_id``, ``session_id``, ``truth``, ``called``, ``probability`` (of what is called), ``age``
        (years), ``sex``, ``site`` and ``scanner``; empty where unknown.
    """
    found = []
    for task in table.classes:
        people = _called(table, task)
        wrong = people[people["wrong"]].sort_values(["probability", "subject_id"], ascending=[False, True]).head(number)
        shown = wrong.reindex(columns=["truth", "called", "probability", *ABOUT])
        found.append(shown.assign(task=task))
    columns = ["task", "subject_id", "session_id", "truth", "called", "probability", *ABOUT[2:]]
    return pd.concat(found)[columns].reset_index(drop=True)


def common_to_wrong(table: PredictionTable) -> dict[str, dict[str, Any]]:
    """Compare the share of wrong calls in each group of people with that among all others.

    Args:
        table: Predictions with the true labels; first labelled visits are used.

    Returns:
        Per task ``n_subjects``, ``n_wrong`` and ``compared``: per group of at least ten people, with at least ten others,
        ``factor`` (``truth`` or a column), ``group``, ``wrong`` and ``n`` in the group, ``others_wrong`` and ``others``,
        ``difference`` (of the shares wrong), ``low`` and ``high`` (95 % interval).
    """
    found: dict[str, dict[str, Any]] = {}
    for task in table.classes:
        people = _called(table, task)
        compared = []
        for factor in ("truth", *(name for name in FACTORS if name in people and name != task)):
            values = people[factor].astype("string")
            known = people[values.notna() & (values != "")]
            groups = sorted(values[known.index].unique())
            # Of two groups, one is the mirror of the other.
            for group in groups[:1] if len(groups) == 2 else groups:
                own = values[known.index] == group
                if min(own.sum(), (~own).sum()) >= FEWEST_PEOPLE:
                    counts = [(int(known["wrong"][side].sum()), int(side.sum())) for side in (own, ~own)]
                    compared.append({"factor": factor, "group": str(group), **_compared(*counts)})
        found[task] = {"n_subjects": len(people), "n_wrong": int(people["wrong"].sum()), "compared": compared}
    return found


def share_difference(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float, float]:
    """Estimate the difference of two shares of different people, with its 95 % interval.

    Args:
        first: Number of people of whom something is true, and of all.
        second: The same of the others.

    Returns:
        Difference first minus second, lower and upper end.
    """
    (low, high), (others_low, others_high) = wilson(*first), wilson(*second)
    share, others = first[0] / first[1], second[0] / second[1]
    below, above = math.hypot(share - low, others_high - others), math.hypot(high - share, others - others_low)
    return share - others, share - others - below, share - others + above


def said_of_wrong(task: str, found: Mapping[str, Any]) -> list[str]:
    """Say in sentences what the wrong have in common, and how much was looked at for that.

    Args:
        task: Name of the task.
        found: Its entry in the result of :func:`common_to_wrong`.
    """
    compared: Sequence[Mapping[str, Any]] = found["compared"]
    if not found["n_subjects"]:
        return []
    head = f"{task}: {found['n_wrong']} of {found['n_subjects']} people are called wrong"
    if not compared:
        return [f"{head}; there are too few of them to compare groups."]
    sure = [entry for entry in compared if entry["low"] > 0 or entry["high"] < 0]
    ordered = sorted(sure, key=lambda entry: -abs(entry["difference"]))
    lines = [f"{head}." + ("" if sure else " Nothing stands out in what they have in common.")]
    lines += [
        f"{_named(task, entry)}: {entry['wrong']} of {entry['n']} wrong, of the others {entry['others_wrong']} of "
        f"{entry['others']} ({entry['difference']:+.2f} [{entry['low']:+.2f}, {entry['high']:+.2f}])."
        for entry in ordered
    ]
    number = len(compared)
    by_chance = "" if number < 2 else f"; of so many, about {0.05 * number:.1f} stand out by chance alone"
    groups = "1 group was" if number == 1 else f"{number} groups were"
    return [*lines, f"{groups} compared with the others{by_chance}."]


def _named(task: str, entry: Mapping[str, Any]) -> str:
    factor = f"true {task}" if entry["factor"] == "truth" else entry["factor"].replace("_", " ")
    return f"{factor[0].upper()}{factor[1:]} {entry['group']}"


def _compared(first: tuple[int, int], second: tuple[int, int]) -> dict[str, Any]:
    difference, low, high = share_difference(first, second)
    counts = {"wrong": first[0], "n": first[1], "others_wrong": second[0], "others": second[1]}
    return {**counts, "difference": difference, "low": low, "high": high}


def _called(table: PredictionTable, task: str) -> pd.DataFrame:
    """The first labelled visit of each person, with what is true, what is called, and whether that is wrong."""
    rows = labelled_visits(table, task, one_visit_per_subject=True)
    names = np.array(table.classes[task], dtype=object)
    truth, probabilities = table.labels(task)[rows], table.probabilities(task)[rows]
    called = probabilities.argmax(axis=1) if len(rows) else truth
    return (
        with_groups(table.frame)
        .loc[rows]
        .assign(
            truth=names[truth],
            called=names[called],
            wrong=truth != called,
            probability=probabilities.max(axis=1) if len(rows) else np.empty(0),
        )
    )
