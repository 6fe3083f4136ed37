"""One row per epoch, written to metrics.csv, to TensorBoard and to the log."""

from __future__ import annotations

import csv
import logging
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from monai.engines import Evaluator
from torch.optim import Optimizer
from torch.utils.tensorboard import SummaryWriter

from admoe_monai.errors import UserError
from admoe_monai.files import atomic

from .cadence import Cadence
from .training_state import TrainingState

logger = logging.getLogger(__name__)


class MetricsLog:
    """Write the averages of each epoch and the scores of its validation.

    Numbers go to metrics.csv with all their digits: the file of a resumed run equals that of an uninterrupted one. A
    metric that is a dictionary (the gate weights per class) goes to TensorBoard only.

    Args:
        path: of metrics.csv; made with a header, extended by columns as phases bring new ones.
        phase: short name of the phase for the row.
        evaluator: whose metrics are taken after a validation.
        cadence: of the validation.
        training_state: of the phase.
        optimizer: for the learning rate.
        num_epochs: of the phase.
        writer: for TensorBoard.
        in_line: names of the metrics that the line in the log tells, beside the losses.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        phase: str,
        evaluator: Evaluator,
        cadence: Cadence,
        training_state: TrainingState,
        optimizer: Optimizer,
        num_epochs: int,
        writer: SummaryWriter | None = None,
        in_line: Iterable[str] = (),
    ) -> None:
        self.path = Path(path)
        self.phase = phase
        self.evaluator = evaluator
        self.cadence = cadence
        self.training_state = training_state
        self.optimizer = optimizer
        self.num_epochs = num_epochs
        self.writer = writer
        self.in_line = ("train_loss", "val_loss", *(f"val_{name}" for name in in_line))
        self._started = time.monotonic()
        self._first: int | None = None

    def attach(self, engine: Engine) -> None:
        """Register for the start of the run and the end of every epoch."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def _start(self, engine: Engine) -> None:
        self._started = time.monotonic()
        self._first = engine.state.iteration

    def __call__(self, engine: Engine) -> None:
        """Write the row of the epoch that is complete."""
        epoch = self.training_state.epoch_of(engine.state.epoch)
        row: dict[str, Any] = {"epoch": epoch, "phase": self.phase, "lr": self.optimizer.param_groups[0]["lr"]}
        row |= {f"train_{name}": value for name, value in self.training_state.averages().items()}
        gates: dict[str, float] = {}
        if self.cadence.is_due(epoch):
            metrics = self.evaluator.state.metrics
            for value in metrics.values():
                if isinstance(value, dict):
                    gates |= value
            # ignite (0.5.5) lists the entries of a dictionary a second time beside it.
            row |= {
                f"val_{name}": v for name, v in metrics.items() if isinstance(v, (int, float)) and name not in gates
            }
            row["best_val_acc"] = self.training_state.best_val_acc
        append_row(self.path, row)
        if self.writer is not None:
            for name, value in {**row, **{f"gates/{name}": weight for name, weight in gates.items()}}.items():
                if isinstance(value, float):
                    self.writer.add_scalar(f"{self.phase}/{name}", value, epoch)
            self.writer.flush()
        logger.info("%s", self._line(engine, epoch, row))
        if gates:
            shown = "  ".join(f"{name} {weight:.2f}" for name, weight in gates.items() if "_of_" not in name)
            logger.info("  Mean gate weights: %s", shown)

    def _line(self, engine: Engine, epoch: int, row: dict[str, Any]) -> str:
        shown = {name: f"{row[name]:.4f}" for name in self.in_line if name in row}
        done = engine.state.epoch * engine.state.epoch_length - (self._first or 0)
        left = (self.num_epochs - engine.state.epoch) * engine.state.epoch_length
        seconds = (time.monotonic() - self._started) / max(done, 1) * left
        scores = "  ".join(f"{name.replace('_balanced_accuracy', '_bal_acc')} {value}" for name, value in shown.items())
        ahead = f"  (about {_duration(seconds)} left in this phase)" if left else ""
        return (
            f"Epoch {epoch} [{self.phase} {engine.state.epoch}/{self.num_epochs}]  lr {row['lr']:.3g}  {scores}{ahead}"
        )


def append_row(path: Path, row: dict[str, Any]) -> None:
    """Append a row to a CSV file, in one write; a row with new columns rewrites the file with a wider header.

    A row of an epoch that the file already has replaces it and whatever follows: the epoch was repeated after a kill.

    Args:
        path: of the file.
        row: must have "epoch".

    Raises:
        UserError: if the file can't be written (disk full, no permission); the old file is then untouched.
    """
    rows: list[dict[str, Any]] = []
    header: list[str] = []
    if path.exists():
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            header = list(reader.fieldnames or [])
            rows = [entry for entry in reader if entry["epoch"] and int(entry["epoch"]) < row["epoch"]]
    header += [name for name in row if name not in header]
    try:
        with atomic(path) as file:
            table = csv.DictWriter(file, header, restval="", lineterminator="\n")
            table.writeheader()
            table.writerows([*rows, {name: repr(v) if isinstance(v, float) else v for name, v in row.items()}])
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; make room and continue with --resume auto") from error


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
