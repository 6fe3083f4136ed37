"""What a dry run has found, as a table on a terminal and as lines for a file."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from admoe_monai.workflows.machine.step_memory import ROOM, batch_that_fits

from .disk import Disk
from .overview import LEAST_SHARE
from .run_log import log_lines
from .step_watch import StepWatch

logger = logging.getLogger(__name__)

KIB, GIB = 2**10, 2**30


@dataclass
class PhaseFacts:
    """What a dry run has found of a phase.

    Attributes:
        name: Name of the phase.
        steps_per_epoch: Number of steps per epoch.
        people: Of each split, who each visit is of.
        epochs: Number of epochs to come, should it not end early.
        step: What its step took.
        checkpoint_bytes: Size of a checkpoint.
        memory: Memory of the GPU, without one of the process, in bytes.
    """

    name: str
    steps_per_epoch: int
    people: Mapping[str, Sequence[str]]
    epochs: int = 0
    step: StepWatch | None = None
    checkpoint_bytes: int = 0
    memory: int = 0


def report(found: Sequence[PhaseFacts], disk: Disk, settings: Mapping[str, Any]) -> None:
    """Print a table with a column per phase on a terminal; elsewhere, log a line per phase and figure.

    Args:
        found: What has been found of each phase to come.
        disk: Disk that the plan's checkpoints take.
        settings: Resolved settings.
    """
    figures = [_figures(facts) for facts in found]
    console = Console(markup=False)
    if console.is_terminal:
        table = Table("", *(facts.name for facts in found), title="Dry run")
        for name in dict.fromkeys(name for column in figures for name in column):
            table.add_row(name, *(column.get(name, "") for column in figures))
        console.print(table)
    else:
        each = [
            f"{f.name}: {name}: {said}"
            for f, column in zip(found, figures, strict=True)
            for name, said in column.items()
        ]
        log_lines(logger, each)
    log_lines(logger, _closing(disk, settings))


def _figures(facts: PhaseFacts) -> dict[str, str]:
    said = {
        "epochs": str(facts.epochs),
        "steps": f"{facts.steps_per_epoch} per epoch, {facts.steps_per_epoch * facts.epochs} in all",
        **{f"{split} people (scans)": f"{len({*people})} ({len(people)})" for split, people in facts.people.items()},
    }
    if facts.step is None:
        return said
    total = sum(facts.step.parameters.values())
    large = {name: count for name, count in facts.step.parameters.items() if count >= LEAST_SHARE * total}
    memory = "GPU memory" if facts.step.device.type == "cuda" else "memory of the process"
    return {
        **said,
        "parameters": f"{total:,}",
        **{f"parameters of {name}": f"{count:,}" for name, count in large.items()},
        f"largest {memory}": f"{facts.step.peak_gib:.2f} GiB, with {facts.step.scans} scans in a batch",
        **_room(facts.step, facts.memory),
        "time of one step, the first": f"{facts.step.seconds:.3g} s, after {facts.step.loading:.3g} s of waiting for the batch",
        "size of a checkpoint": _size(facts.checkpoint_bytes),
    }


def _room(step: StepWatch, memory: int) -> dict[str, str]:
    if not step.kept_by_scan:
        return {}
    fits = batch_that_fits(step.peak_gib * GIB, step.scans, step.kept_by_scan, memory)
    return {"a batch that fits": f"{fits} scans, in {ROOM:g} of {memory / GIB:.1f} GiB (estimated)"}


def _closing(disk: Disk, settings: Mapping[str, Any]) -> list[str]:
    kept = "" if disk.kept == disk.periodic else f", of which the newest {disk.kept} stay (keep_checkpoints)"
    return [
        f"Disk for checkpoints: {_size(disk.bytes)} at most: {disk.periodic} periodic ones "
        f"(save_interval {settings['save_interval']}){kept}, and {disk.best} beside them",
        "Dry run: nothing was written; without dry_run this run would begin",
    ]


def _size(number: int) -> str:
    for unit, name in ((GIB, "GiB"), (KIB**2, "MiB")):
        if number >= unit:
            return f"{number / unit:.2f} {name}"
    return f"{number / KIB:.1f} KiB"
