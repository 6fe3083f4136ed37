"""Are the planted regions of the simulated cohort where a network looks? With the controls that a reviewer asks for.

    python scripts/studies/planted_regions.py RUN_DIR COHORT_DIR [--permuted OTHER_RUN] [--people 20]

RUN_DIR holds a finished run on the cohort in COHORT_DIR, OTHER_RUN one whose labels belong to other people (an arm of
`admoe study`, or `admoe_monai.data.permuted_labels`). Planted are the hippocampi and the lateral ventricles of a head of
mean size and shape, as in people with CN or as in people with AD; each map is asked how well it tells their voxels from the
rest of the brain (ROC-AUC): 0.5 is chance. Aimed at: 0.8 for the trained network, no more than 0.55 for both controls. Of
several random networks the mean is given, with the lowest and the highest in brackets.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from torch import nn

from admoe_monai.data.demo_cohort.planted import as_points, planted_structures
from admoe_monai.explanation.averages import MeanMap, strength_over
from admoe_monai.workflows.finished.explanation.question import Question, question_of
from admoe_monai.workflows.finished.explanation.saliency import (
    ALL,
    MapSettings,
    map_methods,
    mean_maps,
    untrained_network,
    untrained_strength,
)
from admoe_monai.workflows.finished.explanation.scans import ExplainedScans
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of
from admoe_monai.workflows.machine.granted import use_threads
from admoe_monai.workflows.run.environment import choose_device

CLASSES = ("AD", "CN")
# Apart from the seeds of the untrained networks that maps are held against.
CONTROL_SEED = 1000
KINDS = ("|mean map|", "strength", "over untrained")
Mask = NDArray[np.bool_]


def planted(cohort_dir: Path, scans: ExplainedScans) -> dict[str, Mask]:
    """Find the voxels of the planted structures: half of the voxel or more, in the mean head of either class."""
    truth = pd.read_csv(cohort_dir / "truth.tsv", sep="\t")
    first = truth[truth["days_from_baseline"] == 0]
    size = float(first["head_size_mm3"].mean())
    names = [name.removesuffix("_mm3") for name in truth.columns if "ventricle" in name or "hippocampus" in name]
    points = as_points(scans.grid.affine, scans.grid.shape)
    inside: dict[str, Mask] = {}
    for label in CLASSES:
        own = first[first["diagnosis"] == label]
        share = {name: np.log(own[f"{name}_mm3"] / own["head_size_mm3"]).mean() for name in names}
        volumes = {name: float(np.exp(value)) * size for name, value in share.items()}
        for name, values in planted_structures(points, size, volumes).items():
            part = name.removesuffix("_left").removesuffix("_right").replace("_", " ")
            inside[part] = inside.get(part, np.zeros(len(values), bool)) | (values > 0.5)
    shaped = {name: mask.reshape(scans.grid.shape) for name, mask in inside.items()}
    return {"all planted": np.any(list(shaped.values()), axis=0), **shaped}


def found(values: NDArray[np.float64], regions: Mapping[str, Mask], brain: Mask) -> list[float]:
    """Tell each region's voxels from those of the brain that are in none, by the values of a map."""
    rest = brain & ~regions["all planted"]
    scores = []
    for mask in regions.values():
        kept = (brain & mask) | rest
        scores.append(float(roc_auc_score(mask[kept], values[kept])))
    return scores


def maps_of(network: nn.Module, scans: ExplainedScans, question: Question, settings: MapSettings) -> MeanMap:
    """Compute the mean map of the one method over all people."""
    means = mean_maps(scans, map_methods(network, scans, question, settings))
    return means[settings.methods[0]][ALL]


def main() -> None:
    """Compute the maps and print how well they find the planted regions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("cohort_dir", type=Path)
    parser.add_argument("--permuted", type=Path, nargs="*", default=[], help="runs on permuted labels")
    parser.add_argument("--method", default="smoothgrad")
    parser.add_argument("--people", type=int, default=20, help="test people of each class")
    parser.add_argument("--samples", type=int, default=6)
    parser.add_argument("--noise", type=float, default=0.15)
    parser.add_argument("--cube_mm", type=float, default=15.0)
    parser.add_argument("--randomised", type=int, default=6, help="networks with random parameters as a control")
    parser.add_argument("--untrained", type=int, default=8, help="others, which maps are held against")
    chosen = parser.parse_args()
    use_threads()
    run = TrainedRun.load(chosen.run_dir)
    question = question_of(run.settings["classes"], "diagnosis", CLASSES)
    settings = MapSettings((chosen.method,), chosen.samples, chosen.noise, chosen.cube_mm)
    scans = ExplainedScans(run, cohort_of(run), "test", "diagnosis", chosen.people, choose_device(None))
    regions, brain = planted(chosen.cohort_dir, scans), scans.foreground > 0.5
    sizes = ", ".join(f"{name} {int((mask & brain).sum()):,}" for name, mask in regions.items())
    print(f"{chosen.method}, people: {scans.people()}; voxels: {sizes}, of {int(brain.sum()):,} of the brain")
    # Held against none, "over untrained" is the strength itself.
    base = untrained_strength(run, scans, question, settings, chosen.untrained).get(
        chosen.method, np.ones(scans.grid.shape)
    )
    print(f"{'ROC-AUC':<42}" + "".join(f"{name:>20}" for name in regions), flush=True)

    def scores(network: nn.Module) -> NDArray[np.float64]:
        maps = maps_of(network, scans, question, settings)
        strength = maps.strength()
        kinds = (abs(maps.mean), strength, strength_over(strength, base, scans.foreground))
        return np.array([found(values, regions, brain) for values in kinds])

    def tell(name: str, several: list[NDArray[np.float64]]) -> None:
        for kind, values in zip(KINDS, zip(*several, strict=True), strict=True):
            cells = [_cell(column) for column in np.transpose(values)]
            print(f"{name + ', ' + kind:<42}" + "".join(f"{cell:>20}" for cell in cells), flush=True)

    tell("trained", [scores(run.network)])
    for folder in chosen.permuted:
        tell(f"permuted labels ({folder.name})", [scores(TrainedRun.load(folder).network)])
    randomised = [scores(untrained_network(run, CONTROL_SEED + number)) for number in range(chosen.randomised)]
    tell(f"{chosen.randomised} random networks", randomised)


def _cell(values: NDArray[np.float64]) -> str:
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return f"{values.mean():.3f} ({values.min():.2f}-{values.max():.2f})"


if __name__ == "__main__":
    main()
