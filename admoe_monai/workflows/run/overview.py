"""What a run says at its start and at its end, each in about ten lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from admoe_monai.data import Datalist
from admoe_monai.data.visits import SPLITS, person_of
from admoe_monai.handlers import duration
from admoe_monai.metrics_rows import Row, best_score, lowest_loss, number_in, read_metrics
from admoe_monai.run_files import BEST_FINETUNE, BEST_MODEL, BEST_PRETRAIN, CONFIG, CURVES, FINAL_MODEL, METRICS
from admoe_monai.workflows.settings.command_line import as_word

from .components import component_counts
from .environment import environment

#: Share of all parameters from which on the terminal names a component.
LEAST_SHARE = 0.01


def opening_lines(
    cohort: Datalist, settings: Mapping[str, Any], prior: Sequence[Mapping[str, Any]], device: torch.device
) -> list[str]:
    """Say on what the run trains.

    Args:
        cohort: Cohort of the run.
        settings: Resolved settings.
        prior: Statistics of the prior columns in use.
        device: Device that the run trains on.
    """
    machine = environment(device)
    processes = f", {machine['world_size']} processes" if machine["world_size"] > 1 else ""
    columns = ", ".join(str(column["name"]) for column in prior)
    return [
        f"Device: {machine['device']}, {counted(machine['threads'], 'thread')}{processes}, {settings['amp'] or 'float32'}",
        f"People (scans): {_counts(cohort)}",
        *(f"People per {task}: {_class_counts(cohort, task)}" for task in cohort.classes),
        f"Prior: {columns}" if columns else "Prior: none",
    ]


def parameter_line(network: nn.Module) -> str:
    """Say what of a network is trained, in millions of parameters, and how much of it is frozen; training.log has all parts.

    Args:
        network: Network as it is about to be trained.
    """
    counts = component_counts(network)
    total, frozen = sum(counts.values()), sum(p.numel() for p in network.parameters() if not p.requires_grad)
    large = {name: count for name, count in counts.items() if count >= LEAST_SHARE * total}
    parts = {**large, "the rest": total - sum(large.values())}
    listed = ", ".join(f"{name} {_millions(count)}" for name, count in parts.items() if count)
    return f"Parameters: {_millions(total)} ({listed}); frozen at the start: {_millions(frozen) if frozen else 'none'}"


def step_line(steps: Mapping[str, int], epochs: Mapping[str, int]) -> str:
    """Say how many steps the run takes: epochs x steps of each phase.

    Args:
        steps: Number of steps per epoch of each phase to come.
        epochs: Number of epochs to come of each.
    """
    each = ", ".join(f"{phase} {number} x {steps[phase]}" for phase, number in epochs.items())
    total = sum(number * steps[phase] for phase, number in epochs.items())
    return f"Steps to come: {total} ({each}); the time that they take is said after the first epoch"


def closing_lines(folder: Path, settings: Mapping[str, Any], seconds: float) -> list[str]:
    """Say what the run has found, which files it leaves, and what can be done with them.

    Args:
        folder: Folder of the run.
        settings: Resolved settings.
        seconds: Time since this process began the run.
    """
    rows = read_metrics(folder / METRICS)
    found, name = [], settings["selection_metric"]
    for phase, file in (("pretrain", BEST_PRETRAIN), ("finetune", BEST_FINETUNE)):
        lowest = lowest_loss(rows, phase)
        if lowest is not None:
            found.append(f"Lowest val_loss of {phase}: {lowest.value:.4f} at epoch {lowest.epoch} ({file})")
    best = best_score(rows, name)
    if best is not None:
        of_tasks = _tasks(next(row for row in rows if int(row["epoch"]) == best.epoch))
        found.append(f"Best model: {name} {best.value:.4f} at epoch {best.epoch}{of_tasks} ({BEST_MODEL})")
    at = as_word(folder)
    tables = [name for name in (METRICS, CURVES) if (folder / name).exists()]
    further = (
        [f"  admoe evaluate {at}", f"  admoe report {at}", f"  admoe export {at} {as_word(f'{folder}_bundle')}"]
        if (folder / BEST_MODEL).exists()
        else [
            f"  admoe train {as_word(folder / CONFIG)} --pretrained {as_word(folder / BEST_PRETRAIN)} "
            "--pretrain_epochs 0 --max_epochs 50",
            f"  admoe evaluate {at} --checkpoint {BEST_PRETRAIN}",
        ]
    )
    return [
        *found,
        f"Files: checkpoints up to {FINAL_MODEL}, {', '.join(tables)}, curves for tensorboard --logdir {at}",
        "What comes next:",
        *further,
        f"Finished after {duration(seconds)}: {folder}",
    ]


def _counts(cohort: Datalist) -> str:
    return ", ".join(
        f"{split} {len({*map(person_of, visits)})} ({len(visits)})"
        for split, visits in ((split, cohort.splits[split]) for split in SPLITS)
    )


def _class_counts(cohort: Datalist, task: str) -> str:
    """Count the people with a scan of each class; whoever changes is counted in both."""
    counts = []
    for split in SPLITS:
        people = {
            name: {person_of(v) for v in cohort.splits[split] if v.get(task) == name} for name in cohort.classes[task]
        }
        counts.append(f"{split} {', '.join(f'{len(found)} {name}' for name, found in people.items())}")
    return "; ".join(counts)


def _tasks(row: Row) -> str:
    # That of all tasks, val_balanced_accuracy, has no task before it.
    ending = "_balanced_accuracy"
    scores = {n.removesuffix(ending): number_in(row, n) for n in row if n.endswith(ending) and n != f"val{ending}"}
    each = ", ".join(f"{name.removeprefix('val_')} {v:.4f}" for name, v in scores.items() if v is not None)
    return f", {ending[1:].replace('_', ' ')} of {each}" if each else ""


def counted(number: int, noun: str) -> str:
    """Put a number before a noun, in the plural where there are several."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _millions(count: int) -> str:
    return f"{count / 1e6:.2f} M"
