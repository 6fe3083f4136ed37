"""Paired comparison of two prediction tables, such as a network and a logistic regression, on the visits of both."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from admoe_monai.errors import UserError
from admoe_monai.evaluation.behind import grounds
from admoe_monai.evaluation.bootstrap import bootstrap
from admoe_monai.evaluation.evaluate import labelled_visits
from admoe_monai.evaluation.metrics import classification_statistics
from admoe_monai.evaluation.predictions import PredictionTable

#: What tells a visit: several names may stand for one person.
VISIT = ["person_id", "subject_id", "session_id"]


def compare_predictions(
    first: PredictionTable,
    second: PredictionTable,
    task: str = "diagnosis",
    n_boot: int = 2000,
    seed: int = 0,
    one_visit_per_subject: bool = True,
) -> dict[str, Any]:
    """Estimate the differences first minus second of all figures of a task.

    Both are evaluated on the same visits and the same resamples of subjects, so that what makes a visit hard for both
    cancels; two separate intervals that overlap do not say that two models are equally good.

    Args:
        first: Prediction table.
        second: Prediction table of the same classes.
        task: Name of the task to compare.
        n_boot: Number of resamples of subjects.
        seed: Seed of the resampling.
        one_visit_per_subject: Whether to use only the first visit of each subject with a label and both predictions;
            otherwise all such visits.

    Returns:
        Plain values: ``n_subjects``, ``n_visits``, ``n_unpaired`` (labelled visits that only one table predicts) and
        ``differences``: per figure ``first``, ``second`` and the fields of ``Estimate`` for their difference.

    Raises:
        UserError: When the classes differ, a visit is listed twice, its labels disagree, or no visit is in both.
    """
    names = list(first.classes[task])
    if names != list(second.classes[task]):
        raise UserError(f"the tables have different classes of {task}: {names} and {list(second.classes[task])}.")
    pair = [predicted_visits(table, task) for table in (first, second)]
    both = pair[0].add_suffix("_first").join(pair[1].add_suffix("_second"), how="inner")
    n_unpaired = len(pair[0]) + len(pair[1]) - 2 * len(both)
    if both.empty:
        raise UserError(f"no visit with a {task} is predicted in both tables: they share no subject_id and session_id.")
    disagree = both["truth_first"] != both["truth_second"]
    if disagree.any():
        raise UserError(f"the tables disagree about the {task} of {'/'.join(both.index[disagree][0][1:])}.")
    subjects = both.index.get_level_values("person_id").to_series(index=both.index)
    if one_visit_per_subject:
        both = both[~subjects.duplicated()]
        subjects = subjects[both.index]
    truth = both["truth_first"].to_numpy(int)
    pairs = [(a, b) for a, b in combinations(names, 2) if {names.index(a), names.index(b)} <= set(truth)]
    statistics = [
        classification_statistics(
            truth, both[[f"{column}_{side}" for column in first.columns(task)]].to_numpy(float), names, pairs
        )
        for side in ("first", "second")
    ]

    def differences(weights: np.ndarray) -> dict[str, np.ndarray]:
        values, others = (function(weights) for function in statistics)
        return {name: values[name] - others[name] for name in values}

    alone = [function(np.ones((1, len(truth)))) for function in statistics]
    counts = {name: int(subjects[truth == k].nunique()) for k, name in enumerate(names)}
    number = int(subjects.nunique())
    behind = grounds(names, counts, number, pairs)
    people = {name: ground.people for name, ground in behind.items()}
    estimates = {
        name: estimate.without_interval(behind[name].few)
        for name, estimate in bootstrap(differences, list(subjects), n_boot, seed, people).items()
    }
    return {
        "n_subjects": number,
        "n_visits": len(both),
        "n_unpaired": n_unpaired,
        "differences": {
            name: {"first": float(alone[0][name][0]), "second": float(alone[1][name][0]), **estimate.as_dict()}
            for name, estimate in estimates.items()
            if estimate.value is not None
        },
    }


def predicted_visits(table: PredictionTable, task: str) -> pd.DataFrame:
    """Collect labels and probabilities of the visits with both, by person in the order of time.

    Args:
        table: Predictions with the true labels.
        task: Name of the task.

    Returns:
        Table with the columns ``truth`` (class index) and ``p_<task>_<class>``, indexed by person, subject and session.

    Raises:
        UserError: When a visit is listed twice.
    """
    rows = labelled_visits(table, task, one_visit_per_subject=False)
    frame = table.frame.loc[rows, VISIT].assign(truth=table.labels(task)[rows])
    frame[table.columns(task)] = table.probabilities(task)[rows]
    repeated = frame.duplicated(VISIT)
    if repeated.any():
        raise UserError(
            f"visit {'/'.join(frame.loc[repeated, VISIT[1:]].iloc[0])} is listed twice in a prediction table."
        )
    return frame.set_index(VISIT)
