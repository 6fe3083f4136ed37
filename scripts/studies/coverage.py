"""How often the 95 % intervals of each figure hold the value in the population, by simulated studies.

    python scripts/studies/coverage.py [--studies 400] [--subjects 30 60 120 500] [--visits 1 3 5] [--classes 2 3]

People have a class, as many of each, and a score of their own for each class; their visits vary around it. A study is so many
people, the population 100,000. A figure is as `admoe evaluate` prints it for all visits, people drawn as a whole. Printed is
the share of studies whose interval holds the value in the population, of those studies that give an interval.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from tqdm import tqdm

from admoe_monai.evaluation import PredictionTable, evaluate_predictions

NAMES = ("CN", "MCI", "AD")
POPULATION = 100_000
#: Deviations between people and between visits of one person, and what a class adds to its own score.
PERSON, VISIT, APART = 1.0, 0.7, 1.5


def study(random: np.random.Generator, subjects: int, visits: int, classes: int) -> PredictionTable:
    """Draw the predictions of a study."""
    truth = np.arange(subjects) % classes
    scores = APART * np.eye(classes)[truth] + random.normal(0, PERSON, (subjects, classes))
    scores = scores[:, None] + random.normal(0, VISIT, (subjects, visits, classes))
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    probabilities = (powers / powers.sum(axis=-1, keepdims=True)).reshape(-1, classes)
    rows = [
        {"image": f"{s}_{v}", "subject_id": str(s), "session_id": str(v), "days_from_baseline": float(v),
         "diagnosis": NAMES[truth[s]]}
        for s in range(subjects)
        for v in range(visits)
    ]  # fmt: skip
    return PredictionTable.from_visits(rows, {"diagnosis": probabilities}, {"diagnosis": list(NAMES[:classes])})


def figures(table: PredictionTable, n_boot: int, seed: int) -> dict[str, dict[str, float | None]]:
    """Compute all figures of a study."""
    found = evaluate_predictions(table, table.classes, n_boot, seed, one_visit_per_subject=False)
    metrics: dict[str, dict[str, float | None]] = found["diagnosis"]["metrics"]
    return metrics


def coverage(
    subjects: int, visits: int, classes: int, studies: int, n_boot: int, seed: int
) -> Iterator[tuple[str, float, int]]:
    """Tell of each figure how often its interval holds the truth, and of how many studies that gave one."""
    random = np.random.default_rng([seed, subjects, visits, classes])
    truth = figures(study(random, POPULATION, visits, classes), 0, 0)
    held: dict[str, list[bool]] = defaultdict(list)
    where = f"{subjects} people, {visits} visits, {classes} classes"
    for number in tqdm(range(studies), desc=where, leave=False, disable=None):
        for name, metric in figures(study(random, subjects, visits, classes), n_boot, number).items():
            low, high, value = metric["low"], metric["high"], truth[name]["value"]
            if low is not None and high is not None and value is not None:
                held[name].append(low <= value <= high)
    for name in truth:
        yield name, float(np.mean(held[name])) if held[name] else float("nan"), len(held[name])


def main() -> None:
    """Simulate and print a table with a row per figure and a column per kind of study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--subjects", type=int, nargs="+", default=[30, 60, 120, 500])
    parser.add_argument("--visits", type=int, nargs="+", default=[1, 3, 5])
    parser.add_argument("--classes", type=int, nargs="+", choices=(2, 3), default=[2, 3])
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    cells = [(c, v, n) for c in given.classes for v in given.visits for n in given.subjects]
    shares: dict[str, dict[tuple[int, int, int], float]] = defaultdict(dict)
    for classes, visits, subjects in cells:
        for name, share, _ in coverage(subjects, visits, classes, given.studies, given.resamples, given.seed):
            shares[name][classes, visits, subjects] = share
    heads = [f"{n} people, {v} visit{'s' if v > 1 else ''}, {c} classes" for c, v, n in cells]
    print("| figure |", " | ".join(heads), "|\n| --- |" + " --- |" * len(heads))
    for name, found in shares.items():
        print(f"| {name} |", " | ".join(f"{found.get(cell, float('nan')):.3f}" for cell in cells), "|", flush=True)


if __name__ == "__main__":
    main()
