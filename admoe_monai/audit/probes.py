"""Probes: how well variables other than anatomy predict the label, in people whom the probe has not seen.

A network that does no better than a probe has learned nothing beyond it. Folds are of whole
subjects, intervals from the bootstrap over subjects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from sklearn.pipeline import Pipeline

from admoe_monai.data.cohorts.change_rule import SEVERITY
from admoe_monai.evaluation import evaluate_predictions
from admoe_monai.evaluation.baselines import cross_validated_baseline, logistic_regression

from .finding import Finding
from .tables import ACQUISITION, TIME, encoded

__all__ = ["Probe", "classes_of", "not_estimated", "probe", "probes"]

#: Subjects that a class needs to take part.
FEWEST_SUBJECTS = 5
#: Subjects that each class needs before a figure is held against a cohort: with fewer, luck looks like skill.
FEWEST_TO_CLAIM = 10
FOLDS = 5
RESAMPLES = 1000
ACQUISITION_PROBE = "acquisition alone"


@dataclass(frozen=True)
class Probe:
    """Balanced accuracy of one probe.

    Attributes:
        name: Variables that it predicts from.
        task: Label that it predicts.
        classes: Classes that take part.
        visits: Visits that it was tested on, in words.
        n_subjects: Number of subjects that it was tested on.
        smallest: Number of subjects of the rarest class among them.
        value: Balanced accuracy; None where it could not be estimated.
        low: Lower end of the 95 % interval.
        high: Upper end of the 95 % interval.
        chance: Balanced accuracy of guessing.
        note: Reason why a value is None, or who is left out.
    """

    name: str
    task: str
    classes: tuple[str, ...] = ()
    visits: str = ""
    n_subjects: int = 0
    smallest: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    note: str = ""

    @property
    def skill(self) -> float:
        """Lower end of the interval, 0 = chance and 1 = perfect; without an interval, of the value itself."""
        floor = self.value if self.low is None else self.low
        return 0.0 if floor is None or self.chance is None else (floor - self.chance) / (1 - self.chance)

    def as_dict(self) -> dict[str, Any]:
        """Plain Python values, for JSON."""
        return {**asdict(self), "classes": list(self.classes)}


def probes(table: pd.DataFrame, tasks: Sequence[str], prior: Sequence[str]) -> tuple[list[Probe], list[Finding]]:
    """Run all probes for each task.

    Args:
        table: Result of ``visit_table``.
        tasks: Columns to predict.
        prior: Names of the prior columns.

    Returns:
        The figures (``time`` is visit index and delay), a warning where the acquisition predicts a label, and notes on
        probes with too little data.
    """
    header = [name for name in map(str, table.columns) if name.startswith("voxel")]
    plan = (
        ("prior alone", [f"prior {name}" for name in prior], True),
        # All first visits have index 0 and day 0: what time gives away shows in the others.
        ("time alone, all visits", list(TIME), False),
        ("time alone", list(TIME), True),
        (ACQUISITION_PROBE, [*ACQUISITION, *header], True),
    )
    figures = [
        probe(name, table, columns, task, one_visit_per_subject=first)
        for task in tasks
        for name, columns, first in plan
    ]
    return figures, [*_shortcuts(figures), *not_estimated(figures)]


def _shortcuts(figures: Sequence[Probe]) -> list[Finding]:
    """Warn of acquisitions that predict a label: a network can learn a scanner's traces in place of anatomy."""
    return [
        Finding(
            "acquisition_shortcut",
            "warning",
            f"site and scanner alone predict {figure.task} with a balanced accuracy of {figure.value:.2f} "
            f"[{figure.low:.2f}, {figure.high:.2f}], chance {figure.chance:.2f}: report figures per site",
        )
        for figure in figures
        if figure.name == ACQUISITION_PROBE and figure.skill > 0 and figure.smallest >= FEWEST_TO_CLAIM
    ]


def not_estimated(figures: Sequence[Probe]) -> list[Finding]:
    """Turn probes without a figure into notes, one per reason."""
    reasons: dict[str, list[str]] = {}
    for figure in figures:
        if figure.value is None:
            reasons.setdefault(figure.note, []).append(f"{figure.task} from {figure.name}")
    return [Finding("probes", "note", f"no figure for {', '.join(names)}: {why}") for why, names in reasons.items()]


def probe(
    name: str,
    table: pd.DataFrame,
    columns: Sequence[str],
    task: str,
    *,
    one_visit_per_subject: bool = True,
    model: Callable[[], Pipeline] = logistic_regression,
    n_boot: int = RESAMPLES,
) -> Probe:
    """Predict a label from some columns, by cross-validation over subjects.

    Args:
        name: Name of the probe.
        table: Result of ``visit_table``.
        columns: Columns to predict from.
        task: Column to predict.
        one_visit_per_subject: Whether to test on the first labelled visit of each subject, or on all of them.
        model: Function that makes the model for each fold.
        n_boot: Number of resamples for the interval; 0 gives none.
    """
    visits = "first labelled visit of each subject" if one_visit_per_subject else "all labelled visits"
    classes, rare = classes_of(table, task, one_visit_per_subject)
    if len(classes) < 2:
        return Probe(name, task, note=f"fewer than two classes with {FEWEST_SUBJECTS} subjects")
    numbers = encoded(table, columns)
    if numbers.empty:
        return Probe(name, task, note="it holds nothing, or the same for every visit")
    frame = pd.concat(
        [table[["image", "subject_id", "session_id", "days_from_baseline", task]], numbers.add_prefix("x ")], axis=1
    )
    predicted = cross_validated_baseline(
        frame, [f"x {column}" for column in numbers], classes, task, folds=FOLDS, model=model
    )
    figures = evaluate_predictions(
        predicted, {task: classes}, n_boot, one_visit_per_subject=one_visit_per_subject, fewest=FEWEST_SUBJECTS
    )[task]
    accuracy = figures["metrics"]["balanced_accuracy"]
    notes = [f"without {', '.join(rare)}" if rare else "", accuracy["note"] or "" if n_boot else ""]
    estimate = {end: accuracy[end] for end in ("value", "low", "high", "chance")}
    note = "; ".join(filter(None, notes))
    smallest = min(count["subjects"] for count in figures["class_counts"].values())
    return Probe(name, task, tuple(classes), visits, figures["n_subjects"], smallest, **estimate, note=note)


def classes_of(table: pd.DataFrame, task: str, one_visit_per_subject: bool = False) -> tuple[list[str], list[str]]:
    """Classes with enough subjects for folds and for an interval, and the others with their number.

    Args:
        table: Result of ``visit_table``.
        task: Column of the labels.
        one_visit_per_subject: Whether to count the first labelled visits alone.
    """
    labelled = table.dropna(subset=[task])
    if one_visit_per_subject:
        labelled = labelled.sort_values(["visit_index"], kind="stable").drop_duplicates("subject_id")
    subjects = labelled.groupby(task)["subject_id"].nunique()
    names = sorted(subjects.index, key=lambda label: (SEVERITY.index(label) if label in SEVERITY else -1, label))
    rare = [f"{label} (n = {subjects[label]})" for label in names if subjects[label] < FEWEST_SUBJECTS]
    return [label for label in names if subjects[label] >= FEWEST_SUBJECTS], rare
