"""Disk that the checkpoints of a plan take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .phase import Phase


@dataclass(frozen=True)
class Disk:
    """Disk that checkpoints take.

    Attributes:
        periodic: Number of periodic checkpoints that are written.
        kept: Number of them that are there in the end.
        best: Number of files beside them: the best ones and the last state.
        bytes: What all of them take at most at a time, with the one that is being written.
    """

    periodic: int
    kept: int
    best: int
    bytes: int


def disk_of_plan(sizes: Mapping[Phase, int], settings: Mapping[str, Any]) -> Disk:
    """Add up the checkpoints of a plan, should no phase end early.

    Args:
        sizes: Bytes of a checkpoint of each phase to come, in order; there is at least one.
        settings: Settings, resolved, of which `save_interval` and `keep_checkpoints` are read.
    """
    keep, interval = settings["keep_checkpoints"], settings["save_interval"]
    there: list[int] = []
    written = best = beside = most = 0
    for phase, size in sizes.items():
        # The lowest loss of each phase, in finetuning the best model too; a file is written before the older one goes.
        files = 1 if phase.is_pretrain else 2
        best, beside = best + files, beside + files * size
        most = max(most, sum(there) + beside + size)
        for epoch in range(phase.first_epoch, phase.end_epoch):
            if (epoch + 1) % interval and epoch != phase.end_epoch - 1:
                continue
            there.append(size)
            written += 1
            most = max(most, sum(there) + beside)
            there = there if keep == "all" else there[-keep:]
    last = [*sizes.values()][-1]
    return Disk(written, len(there), best + 1, max(most, sum(there) + beside + last))
