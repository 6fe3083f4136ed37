"""How often prediction sets hold the true class, class by class, by simulated studies.

    python scripts/studies/prediction_sets.py [--studies 1000] [--people 20 50 100] [--classes 2 3] [--test 500]

A study has so many people of each class in validation and other people for its test. Their network is surer than it is right;
temperature and thresholds are fitted on validation as `admoe evaluate --calibrate` does, and the share of test people of each
class whose set holds it is counted. Printed are its mean over the studies, and the middle nine tenths of them. In theory the
mean is between what is promised and 1 / (n + 1) more, with n people of the class in validation.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from tqdm import tqdm

from admoe_monai.evaluation import PredictionTable
from admoe_monai.evaluation.calibration import apply_temperatures, fit_temperatures
from admoe_monai.evaluation.prediction_sets import PROMISED, evaluate_sets, fit_sets

NAMES = ("CN", "MCI", "AD")
#: What a class adds to its own score, the deviation between people, and by how much the network is too sure.
APART, PERSON, TOO_SURE = 1.5, 1.2, 2.0


def people_of(random: np.random.Generator, number: int, classes: int) -> PredictionTable:
    """Draw the predictions of so many people of each class."""
    truth = np.arange(number * classes) % classes
    scores = TOO_SURE * (APART * np.eye(classes)[truth] + random.normal(0, PERSON, (len(truth), classes)))
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    columns = {f"p_diagnosis_{name}": probabilities[:, place] for place, name in enumerate(NAMES[:classes])}
    frame = pd.DataFrame({"subject_id": np.arange(len(truth)).astype(str), **columns})
    return PredictionTable(frame.assign(diagnosis=np.array(NAMES)[truth]), {"diagnosis": list(NAMES[:classes])})


def studies(people: int, classes: int, test: int, number: int, seed: int) -> tuple[dict[str, list[float]], list[float]]:
    """Simulate studies; returns the share of each class that is held, and the mean number of classes in a set."""
    random = np.random.default_rng([seed, people, classes])
    held: dict[str, list[float]] = {name: [] for name in NAMES[:classes]}
    sizes = []
    for _ in tqdm(range(number), desc=f"{people} people, {classes} classes", leave=False, disable=None):
        validation, tested = people_of(random, people, classes), people_of(random, test, classes)
        temperatures = {task: entry["temperature"] for task, entry in fit_temperatures(validation).items()}
        sets = fit_sets(apply_temperatures(validation, temperatures))
        found = evaluate_sets(apply_temperatures(tested, temperatures), sets, n_boot=0)["diagnosis"]
        for name, own in found["classes"].items():
            held[name].append(own["coverage"]["value"])
        sizes.append(found["mean_size"]["value"])
    return held, sizes


def main() -> None:
    """Simulate and print a table with a row per class and kind of study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--people", type=int, nargs="+", default=[20, 50, 100])
    parser.add_argument("--classes", type=int, nargs="+", choices=(2, 3), default=[2, 3])
    parser.add_argument("--test", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(
        "| classes | people of each in validation | class | found | middle 90 % of studies | in theory | classes in a set |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for classes in given.classes:
        for people in given.people:
            held, sizes = studies(people, classes, given.test, given.studies, given.seed)
            theory = f"{PROMISED:.3f} to {PROMISED + 1 / (people + 1):.3f}"
            for name, shares in held.items():
                low, high = np.quantile(shares, [0.05, 0.95])
                cells = [classes, people, name, f"{np.mean(shares):.3f}", f"{low:.2f} to {high:.2f}", theory]
                print("|", " | ".join(map(str, [*cells, f"{np.mean(sizes):.2f}"])), "|", flush=True)


if __name__ == "__main__":
    main()
