"""The random-label control: with labels dealt to subjects at random, nothing can be learned but identities.

The nearest neighbour in the training split predicts each test visit. Across a subject-level split it guesses; where
splits share subjects it recognises them. Yagis et al., "Effect of data leakage in brain MRI classification using 2D
convolutional neural networks", Sci. Rep. 11 (2021) 22544: random labels scored 96 % with slices split at random.

Axis letters: P deals of labels, N training and M test visits, F features, K labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .finding import Finding
from .probes import Probe, classes_of, not_estimated

__all__ = ["nearest_neighbours", "random_label_control"]

DEALS, FEWEST_DEALS = 500, 50
#: Rows of the training split that are compared with the test split at once, to bound the memory.
CHUNK = 1000


def random_label_control(
    table: pd.DataFrame, tasks: Sequence[str], features: np.ndarray, name: str, seed: int = 0
) -> tuple[list[Probe], list[Finding]]:
    """Measure how far the datalist's own split lets a model recognise subjects.

    Args:
        table: Result of ``visit_table``; rows of ``training`` and ``test`` count.
        tasks: Columns whose labels are dealt out.
        features: One row per row of the table (N + M, F), NaN in rows without any.
        name: Name of the features, for messages.
        seed: Seed of the deals.

    Returns:
        Mean balanced accuracy over the deals with their central 95 %, per task, and a leak where chance lies below.
    """
    usable = ~np.isnan(features).any(axis=1)
    training = np.flatnonzero(usable & (table["split"] == "training").to_numpy())
    test = np.flatnonzero(usable & (table["split"] == "test").to_numpy())
    title = f"random labels by {name}"
    figures = []
    for task in tasks:
        classes, _ = classes_of(table, task)
        if len(classes) < 2 or not len(training) or not len(test):
            figures.append(
                Probe(title, task, note="too few labelled subjects, or no visit of one of the splits to compare")
            )
            continue
        nearest = training[nearest_neighbours(features[test], features[training])]
        figures.append(_measure(title, task, table, classes, test, nearest, seed))
    findings = not_estimated(figures)
    for figure in figures:
        if figure.low is not None and figure.chance is not None and figure.low > figure.chance:
            message = (
                f"random {figure.task} labels are predicted from {name} with a balanced accuracy of {figure.value:.2f} "
                f"[{figure.low:.2f}, {figure.high:.2f}], chance {figure.chance:.2f}: training and test share subjects"
            )
            findings.append(Finding("random_labels", "leak", message))
    return figures, findings


def nearest_neighbours(wanted: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Find the row of ``known`` that is nearest to each row of ``wanted``, the first of several.

    Args:
        wanted: Features (M, F).
        known: Features (N, F).

    Returns:
        Row numbers (M,).
    """
    best = np.full(len(wanted), np.inf)
    row = np.zeros(len(wanted), dtype=int)
    for start in range(0, len(known), CHUNK):
        part = known[start : start + CHUNK]
        distances = (wanted**2).sum(1)[:, None] + (part**2).sum(1)[None] - 2 * wanted @ part.T
        closest = distances.argmin(axis=1)
        distance = distances[np.arange(len(wanted)), closest]
        row = np.where(distance < best, start + closest, row)
        best = np.minimum(best, distance)
    return row


def _measure(
    title: str, task: str, table: pd.DataFrame, classes: Sequence[str], test: np.ndarray, nearest: np.ndarray, seed: int
) -> Probe:
    people, person = np.unique(table["subject_id"].to_numpy(str), return_inverse=True)
    labelled = table[table[task].isin(list(classes))].drop_duplicates("subject_id")[task]
    codes = labelled.map({label: code for code, label in enumerate(classes)}).to_numpy(int)
    generator = np.random.default_rng(seed)
    # As frequent as in the cohort; who has no label gets one too.
    shares = np.bincount(codes, minlength=len(classes)) / len(codes)
    deals = np.stack([generator.permutation(_deck(shares, len(people))) for _ in range(DEALS)])
    truth, guess = deals[:, person[test]], deals[:, person[nearest]]
    counts = np.stack([(truth == k).sum(axis=1) for k in range(len(classes))])
    hits = np.stack([((truth == k) & (guess == k)).sum(axis=1) for k in range(len(classes))])
    # Chance is 1 / K only where every class occurs.
    whole = (counts > 0).all(axis=0)
    if whole.sum() < FEWEST_DEALS:
        return Probe(title, task, note="too few test subjects for every class to be dealt to one of them")
    accuracy = (hits[:, whole] / counts[:, whole]).mean(axis=0)
    low, high = np.quantile(accuracy, [0.025, 0.975])
    return Probe(
        title,
        task,
        tuple(classes),
        f"test split, {int(whole.sum())} deals of labels",
        n_subjects=len(set(person[test])),
        value=float(accuracy.mean()),
        low=float(low),
        high=float(high),
        chance=1 / len(classes),
        note="interval over deals of labels",
    )


def _deck(shares: np.ndarray, size: int) -> np.ndarray:
    """Class codes for all people, as close to the shares as numbers allow."""
    return np.searchsorted(np.cumsum(shares), (np.arange(size) + 0.5) / size).clip(max=len(shares) - 1)
