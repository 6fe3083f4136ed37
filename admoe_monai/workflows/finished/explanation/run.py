"""Where the network of a run looks: maps of a few scans, means over the people of each class, and their files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from admoe_monai.checkpoints import CheckpointError
from admoe_monai.data import Datalist
from admoe_monai.errors import UserError
from admoe_monai.explanation.averages import MeanMap, strength_over
from admoe_monai.explanation.pictures import map_figure
from admoe_monai.people import FEWEST_PEOPLE, people
from admoe_monai.run_files import BEST_MODEL, EXPLANATION, EXPLANATION_ABOUT
from admoe_monai.workflows.machine.granted import use_threads
from admoe_monai.workflows.run.cohort import cohort_digest
from admoe_monai.workflows.run.environment import choose_device

from ..looks import record_look
from ..output import OutputFolder
from ..prediction import TrainedRun, cohort_of
from .question import Question, question_of
from .saliency import ALL, UNITS, MapSettings, map_methods, mean_maps, untrained_strength
from .scans import ExplainedScan, ExplainedScans

MOST_PLACES = 10
#: End of the names of files on strength held against untrained networks.
OVER_UNTRAINED = "over_untrained"
NO_SHARED_SPACE = (
    "no mean map: nothing says that the scans of {path} share a space; `admoe preprocess` brings them onto the template"
)


@dataclass(frozen=True)
class RunExplanation:
    """Result of an explanation.

    Attributes:
        about: What was asked, of whom, how, and the strongest places; as in the file.
        folder: Folder of the files.
        notes: Sentences on what is not there.
    """

    about: dict[str, Any]
    folder: Path
    notes: Sequence[str]


def explain_run(
    run_dir: Path,
    settings: MapSettings,
    task: str | None = None,
    classes: Sequence[str] | None = None,
    split: str = "test",
    overlays: int = 4,
    untrained: int = 6,
    most: int | None = None,
    checkpoint: str = BEST_MODEL,
    dataset_dir: Path | None = None,
    output: Path | None = None,
    device: str | None = None,
) -> RunExplanation:
    """Compute maps and write means, pictures and what they are of.

    Args:
        run_dir: Folder of the run.
        settings: How maps are computed.
        task: Task that is explained; None for the first.
        classes: Class that counts and class that is taken away; None for the last and the first of the task.
        split: Name of the split.
        overlays: Number of people whose own maps are drawn.
        untrained: Number of untrained networks of the same make that the maps' strength is held against; 0 for no such map.
        most: Largest number of people of each class; None for all.
        checkpoint: File name within the run directory.
        dataset_dir: Folder of the images, if they were moved.
        output: Folder to write to; by default `EXPLANATION` of the run.
        device: Device to run on, such as cuda or cpu; None takes the GPU if there is one.

    Raises:
        UserError: If what is asked for is not of this run, there is nothing to compute, or the folder can't be written to.
    """
    run = TrainedRun.load(run_dir, checkpoint)
    if run.checkpoint["is_pretrain"]:
        raise CheckpointError(f"the checkpoint of {run.folder} is from pretraining, which tells no classes apart")
    question = question_of(run.settings["classes"], task, classes)
    cohort = cohort_of(run, dataset_dir=dataset_dir)
    if split not in cohort.splits:
        raise UserError(f"--split must be one of {', '.join(cohort.splits)}, got {split}")
    if most is not None and most < 1:
        raise UserError(f"--people must be at least 1, got {most}")
    use_threads()
    scans = ExplainedScans(run, cohort, split, question.task, most, choose_device(device))
    notes = [] if scans.space else [NO_SHARED_SPACE.format(path=cohort.path)]
    if notes and overlays < 1:
        raise UserError(notes[0])
    folder = OutputFolder(output or run_dir / EXPLANATION)
    if split == "test":
        record_look(run_dir, "explain", checkpoint, run.checkpoint["epoch"], cohort_digest(cohort))

    def draw(position: int, scan: ExplainedScan, method: str, values: NDArray[np.float32]) -> None:
        if position < overlays:
            title = f"{scan.name} ({scan.label}): {method}, {question.in_words()}"
            figure = map_figure({scan.label: values}, scan.grey, scan.affine, UNITS[method], title, scan.foreground)
            folder.picture(f"scans/{method}_{scan.name.replace(' ', '_')}.png", figure)

    methods = map_methods(run.network, scans, question, settings)
    means = mean_maps(scans, methods, draw, None if scans.space else overlays)
    about = {**_about(run, cohort, checkpoint, split, question, scans, settings), "untrained": untrained}
    if scans.space:
        folder.volume("mean_scan.nii.gz", scans.scan, scans.grid.affine)
        for method, by_class in means.items():
            for name, found in by_class.items():
                folder.volume(f"{method}_{name}.nii.gz", found.mean, scans.grid.affine)
            folder.picture(f"{method}.png", _picture(method, by_class, question, scans))
        base = untrained_strength(run, scans, question, settings, untrained)
        for method, strength in base.items():
            ratio = strength_over(means[method][ALL].strength(), strength, scans.foreground)
            folder.volume(f"{method}_{OVER_UNTRAINED}.nii.gz", ratio, scans.grid.affine)
            folder.picture(f"{method}_{OVER_UNTRAINED}.png", _ratio_picture(method, ratio, question, scans))
        about["strongest"] = {method: _strongest(by_class[ALL], scans) for method, by_class in means.items()}
    folder.write(EXPLANATION_ABOUT, json.dumps(about, indent=1))
    return RunExplanation(about, folder.path, notes)


def _about(
    run: TrainedRun,
    cohort: Datalist,
    checkpoint: str,
    split: str,
    question: Question,
    scans: ExplainedScans,
    settings: MapSettings,
) -> dict[str, Any]:
    return {
        "cohort": cohort.name,
        "simulated": cohort.simulated,
        "split": split,
        "checkpoint": checkpoint,
        "epoch": run.checkpoint["epoch"],
        "task": question.task,
        "towards": question.names[question.towards],
        "against": question.names[question.against],
        "space": scans.space,
        "people": scans.people(),
        "settings": asdict(settings),
        "units": {method: UNITS[method] for method in settings.methods},
    }


def _picture(method: str, by_class: dict[str, MeanMap], question: Question, scans: ExplainedScans) -> Figure:
    rows = {f"{ALL}, {people(by_class[ALL].people)}": by_class[ALL].mean}
    # The row of a class of few would be the map of single people.
    for name in question.names:
        if name in by_class and by_class[name].people >= FEWEST_PEOPLE:
            rows[f"{name}, {people(by_class[name].people)}"] = by_class[name].mean
    title = f"{method}, {question.in_words()}: mean over people"
    return map_figure(rows, scans.scan, scans.grid.affine, UNITS[method], title, scans.foreground)


def _ratio_picture(method: str, ratio: NDArray[np.float64], question: Question, scans: ExplainedScans) -> Figure:
    doublings = np.log2(ratio, out=np.zeros_like(ratio), where=ratio > 0)
    title = f"{method}, {question.in_words()}: strength over that of untrained networks"
    row = {f"{ALL}, {people(len(scans))}": doublings}
    unit = "doublings; 0: the head's median"
    return map_figure(row, scans.scan, scans.grid.affine, unit, title, scans.foreground)


def _strongest(found: MeanMap, scans: ExplainedScans) -> list[dict[str, Any]]:
    """List the places of the largest means, each a different value: an occluded cube is one place."""
    values, dimensions = np.where(scans.foreground > 0.5, found.mean, 0.0), len(scans.grid.shape)
    places = []
    for value in sorted(np.unique(values), key=abs, reverse=True)[:MOST_PLACES]:
        voxel = np.argwhere(values == value).mean(0)
        position = scans.grid.affine[:dimensions, :dimensions] @ voxel + scans.grid.affine[:dimensions, 3]
        places.append({"mm": [round(float(x), 1) for x in position], "value": float(value)})
    return places
