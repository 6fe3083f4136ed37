"""Curves for TensorBoard, and a line per epoch for the log."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

from torch.utils.tensorboard import SummaryWriter

from .epoch_metrics import Epoch
from .pace import duration, epoch_name

logger = logging.getLogger(__name__)


class TensorBoardTracker:
    """Write the figures of an epoch as points of curves.

    Args:
        writer: TensorBoard writer; None where there is none, as in a bundle.
        leave_out: Regular expression of names that get no curve, looked for at their beginning; those of metrics that are
            dictionaries begin with the metric's own and a slash. None: every figure has one.
    """

    def __init__(self, writer: SummaryWriter | None, leave_out: str | None = None) -> None:
        self.writer = writer
        self.leave_out = None if leave_out is None else re.compile(leave_out)

    def __call__(self, epoch: Epoch) -> None:
        """Add the points."""
        if self.writer is None:
            return
        grouped = {f"{group}/{name}": value for group, values in epoch.groups.items() for name, value in values.items()}
        for name, value in {**epoch.values, **grouped, **epoch.telemetry}.items():
            if isinstance(value, float) and not (self.leave_out and self.leave_out.match(name)):
                self.writer.add_scalar(f"{epoch.phase}/{name}", value, epoch.number)
        self.writer.flush()


class LogTracker:
    """Write a line about each epoch to the log.

    Args:
        metrics: Names of the evaluator's metrics that the line states, beside the losses.
    """

    def __init__(self, metrics: Iterable[str] = ()) -> None:
        self.in_line = ("train_loss", "val_loss", *(f"val_{name}" for name in metrics))

    def __call__(self, epoch: Epoch) -> None:
        """Log the line."""
        scores = "  ".join(
            f"{name.replace('_balanced_accuracy', '_bal_acc')} {epoch.values[name]:.4f}"
            for name in self.in_line
            if name in epoch.values
        )
        ahead = f"  (about {duration(epoch.seconds_left)} left of the run)" if epoch.seconds_left else ""
        where = epoch_name(epoch.number, epoch.last, epoch.phase)
        logger.info("%s", f"{where}  lr {epoch.values['lr']:.3g}  {scores}{ahead}")
