"""Arms of a study over folds and seeds: each figure is made within a network's test subjects, then averaged, then paired.

Scores of different networks have no common scale, so they are never put in one order: an arm's figure is the mean over folds of
the means over seeds. A subject is drawn once for all arms, seeds and repeats of a division, so that what makes it hard for all
of them cancels in a difference. Axis letters: R resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from admoe_monai.errors import UserError
from admoe_monai.evaluation.behind import Ground, grounds
from admoe_monai.evaluation.bootstrap import LEVEL, Estimate, percentile_estimate, subject_resamples
from admoe_monai.evaluation.comparison import predicted_visits
from admoe_monai.evaluation.metrics import classification_statistics
from admoe_monai.evaluation.predictions import PredictionTable

#: Predictions of an arm: per fold, a table per seed.
ArmTables = Sequence[Sequence[PredictionTable]]
#: Fields of a metric that tell how much of it is the choice of fold, of seed and of test people.
SPREADS = ("spread_folds", "spread_seeds", "spread_people")


def figures_of(classes: Sequence[str]) -> dict[str, list[str]]:
    """Name the figures of a task that are better when they are higher, each with the classes that it rests on.

    Args:
        classes: Names of the classes.
    """
    behind = _grounds(classes, dict.fromkeys(classes, 1))
    return {name: list(ground.classes) for name, ground in behind.items()}


def evaluate_arms(
    arms: Mapping[str, ArmTables], task: str, reference: str, n_boot: int = 2000, seed: int = 0
) -> dict[str, Any]:
    """Average every figure of each arm over folds and seeds, and take the differences to the reference.

    The first labelled visit of each test subject that all arms and seeds predict is used. A figure that needs a class of fewer
    than ten test subjects is withheld; the counts of what was right stand for it.

    Args:
        arms: Predictions of each arm; all arms have the same number of folds, and the k-th of each tests the same people.
        task: Task whose figures are wanted.
        reference: Arm that the others are compared with.
        n_boot: Number of resamples of subjects behind each interval.
        seed: Seed of the resampling.

    Returns:
        Plain values: ``classes``, ``n_subjects``, ``class_counts`` (test subjects per class), ``class_tests`` (the
        same, counted once for each fold that tests them), ``folds`` (per fold
        ``n_subjects``, ``class_counts`` and ``n_unpaired``, labelled visits that not all predict), ``interval`` (method, level,
        n_boot, seed), ``arms`` (per arm ``metrics`` and ``right``: per class how many are right, of each seed) and
        ``differences`` (per other arm and figure the fields of ``Estimate`` for it minus the reference). A metric has the
        fields of ``Estimate``, ``values`` (per fold, per seed; None where undefined), ``spread_folds`` (standard deviation over
        folds of the means over seeds), ``spread_seeds`` (of a fold's seeds, root mean square over folds) and
        ``spread_people`` (standard deviation over resamples of the mean of all cells); None for fewer than two.

    Raises:
        UserError: When classes or labels differ between the tables, or a fold has no visit that all predict.
    """
    classes = _same_classes(arms, task)
    visits = [_common_visits([table for arm in arms.values() for table in arm[k]], task, k) for k in _folds(arms)]
    truths = [truth for truth, _ in visits]
    weights = _weights(truths, n_boot, seed)
    counts = _class_counts(pd.concat(truths).groupby(level="person_id").first(), classes)
    behind = _grounds(classes, counts)
    found: dict[str, Any] = {}
    draws: dict[str, dict[str, np.ndarray]] = {}
    for name, tables in arms.items():
        found[name], draws[name] = _arm(tables, task, classes, truths, weights, behind)
    return {
        "classes": classes,
        "n_subjects": sum(counts.values()),
        "class_counts": counts,
        "class_tests": {name: sum(int((truth == k).sum()) for truth in truths) for k, name in enumerate(classes)},
        "folds": [
            {"n_subjects": len(truth), "class_counts": _class_counts(truth, classes), "n_unpaired": unpaired}
            for truth, unpaired in visits
        ],
        "interval": {
            "method": "percentile bootstrap over subjects, the same for all arms, within folds",
            "level": LEVEL,
            "n_boot": n_boot,
            "seed": seed,
        },
        "arms": found,
        "differences": {
            name: {
                figure: _difference(found, draws, name, reference, figure, behind[figure].people)
                for figure in found[name]["metrics"]
            }
            for name in arms
            if name != reference
        },
    }


def _grounds(classes: Sequence[str], counts: Mapping[str, int]) -> dict[str, Ground]:
    found = grounds(classes, counts, sum(counts.values()), list(combinations(classes, 2)))
    return {name: ground for name, ground in found.items() if name != "brier"}


def _folds(arms: Mapping[str, ArmTables]) -> range:
    return range(len(next(iter(arms.values()))))


def _same_classes(arms: Mapping[str, ArmTables], task: str) -> list[str]:
    first = next(iter(arms))
    names = [*arms[first][0][0].classes[task]]
    for arm, tables in arms.items():
        for table in (table for fold in tables for table in fold):
            if [*table.classes[task]] != names:
                raise UserError(f"arm '{arm}' has other classes of {task} than '{first}': {[*table.classes[task]]}")
    return names


def _common_visits(tables: Sequence[PredictionTable], task: str, fold: int) -> tuple[pd.Series, int]:
    """Find the true class of each subject's first visit that all tables predict, and the number of visits left out."""
    labelled = [predicted_visits(table, task)["truth"] for table in tables]
    common = labelled[0]
    for other in labelled[1:]:
        common = common[common.index.isin(other.index)]
    if common.empty:
        raise UserError(f"fold {fold + 1} has no visit with a {task} that all arms predict")
    for other in labelled[1:]:
        if (other.loc[common.index] != common).any():
            raise UserError(
                f"arms disagree about the {task} of visits of fold {fold + 1}: they were trained on other data"
            )
    unpaired = len({visit for truth in labelled for visit in truth.index}) - len(common)
    return common[~common.index.get_level_values("person_id").duplicated()], unpaired


def _weights(truths: Sequence[pd.Series], n_boot: int, seed: int) -> list[np.ndarray]:
    """Draw subjects within the fold that tests them first, with the same result in every later one; per fold (R, subjects)."""
    drawn: dict[str, np.ndarray] = {}
    for k, truth in enumerate(truths):
        new = [subject for subject in truth.index.get_level_values("person_id") if subject not in drawn]
        chunks = [*subject_resamples(new, n_boot, seed + k)]
        drawn |= dict(zip(new, np.concatenate(chunks).T if chunks else np.empty((len(new), 0)), strict=True))
    return [np.stack([drawn[name] for name in truth.index.get_level_values("person_id")], axis=1) for truth in truths]


def _class_counts(truth: pd.Series, classes: Sequence[str]) -> dict[str, int]:
    return {name: int((truth == k).sum()) for k, name in enumerate(classes)}


def _arm(
    tables: ArmTables,
    task: str,
    classes: Sequence[str],
    truths: Sequence[pd.Series],
    weights: Sequence[np.ndarray],
    behind: Mapping[str, Ground],
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Evaluate an arm: its plain values, and the resampled means (R,) of its figures."""
    pairs = list(combinations(classes, 2))
    values: dict[str, list[list[float]]] = {name: [] for name in behind}
    folds: dict[str, list[np.ndarray]] = {name: [] for name in behind}
    right = {name: [0] * max(map(len, tables)) for name in classes}
    for own, truth, drawn in zip(tables, truths, weights, strict=True):
        cells = []
        for place, table in enumerate(own):
            predicted = predicted_visits(table, task).loc[truth.index, table.columns(task)].to_numpy(float)
            statistics = classification_statistics(truth.to_numpy(int), predicted, classes, pairs)
            cells.append((statistics(np.ones((1, len(truth)))), statistics(drawn)))
            for k, name in enumerate(classes):
                right[name][place] += int((predicted.argmax(1)[truth.to_numpy(int) == k] == k).sum())
        present = {classes[k] for k in truth.unique()}
        for name, ground in behind.items():
            factor = 1.0 if ground.holds(present) else np.nan
            values[name].append([factor * float(alone[name][0]) for alone, _ in cells])
            folds[name].append(factor * np.mean([resampled[name] for _, resampled in cells], axis=0))
    metrics: dict[str, dict[str, Any]] = {}
    draws: dict[str, np.ndarray] = {}
    for name, ground in behind.items():
        means = np.array([np.mean(fold) for fold in values[name]])
        defined = ~np.isnan(means)
        if ground.few is not None or not defined.any():
            note = "undefined in every fold" if ground.few is None else f"no figure: {ground.few}"
            estimate = Estimate(None, note=note)
            metrics[name] = {**estimate.as_dict(), "values": None, **dict.fromkeys(SPREADS)}
            continue
        draws[name] = np.mean([draw for draw, kept in zip(folds[name], defined, strict=True) if kept], axis=0)
        estimate = percentile_estimate(float(means[defined].mean()), draws[name], ground.people)
        absent = ", ".join(str(k + 1) for k in np.flatnonzero(~defined))
        if absent:
            note = "; ".join(filter(None, [f"undefined in fold {absent}", estimate.note]))
            estimate = replace(estimate, note=note)
        metrics[name] = {**estimate.as_dict(), **_spreads(values[name], means[defined], draws[name])}
    return {"metrics": metrics, "right": right}, draws


def _spreads(values: Sequence[Sequence[float]], means: np.ndarray, draws: np.ndarray) -> dict[str, Any]:
    """Tell the values of all cells, and how much they differ between folds, the seeds of a fold, and draws of people."""
    variances = [np.var(fold, ddof=1) for fold in values if len(fold) > 1 and not np.isnan(fold).any()]
    return {
        "values": [[None if np.isnan(value) else value for value in fold] for fold in values],
        "spread_folds": float(np.std(means, ddof=1)) if len(means) > 1 else None,
        "spread_seeds": float(np.sqrt(np.mean(variances))) if variances else None,
        "spread_people": float(np.nanstd(draws, ddof=1)) if (~np.isnan(draws)).sum() > 1 else None,
    }


def _difference(
    found: Mapping[str, Any],
    draws: Mapping[str, Mapping[str, np.ndarray]],
    arm: str,
    reference: str,
    figure: str,
    number: int,
) -> dict[str, Any]:
    own, other = (found[name]["metrics"][figure] for name in (arm, reference))
    if own["value"] is None or other["value"] is None:
        return Estimate(None, note=own["note"] or other["note"]).as_dict()
    resampled = draws[arm][figure] - draws[reference][figure]
    return percentile_estimate(own["value"] - other["value"], resampled, number).as_dict()
