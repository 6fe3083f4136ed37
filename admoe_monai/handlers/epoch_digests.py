"""digests.csv: what each epoch ended with, in short, so that others can compute it again and compare."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events

from admoe_monai.metrics_rows import read_metrics, row_digest

from .acting_last import act_last
from .checkpoint_saver import CheckpointSaver
from .metrics_csv import append_row


class EpochDigests:
    """Write a row per epoch with the digests of its training state and of its row of metrics.csv.

    Listed before the saver: a state that a file holds has its row before the file is there.

    Args:
        path: File, written in the main process alone.
        metrics: File metrics.csv of the run.
        saver: Source of the training state.
        digest: Function that digests the contents of a checkpoint.
        phase: Key of the phase.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        metrics: str | os.PathLike[str],
        saver: CheckpointSaver,
        digest: Callable[[Mapping[str, Any]], str],
        phase: str,
    ) -> None:
        self.path = Path(path)
        self.metrics = Path(metrics)
        self.saver = saver
        self.digest = digest
        self.phase = phase

    def attach(self, engine: Engine) -> None:
        """Register for the end of every epoch, as the saver does: its state is the one that is saved."""
        act_last(engine, Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the row of the epoch that is complete."""
        contents = self.saver.contents(engine)
        row = {int(row["epoch"]): row for row in read_metrics(self.metrics)}.get(contents["epoch"])
        digests = {"state": self.digest(contents), "metrics": "" if row is None else row_digest(row)}
        append_row(self.path, {"epoch": contents["epoch"], "phase": self.phase, **digests})
