"""Curves for TensorBoard, and a line per epoch for the log."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from torch.utils.tensorboard import SummaryWriter

from .epoch_metrics import Epoch

logger = logging.getLogger(__name__)


class TensorBoardTracker:
    """Write every figure of an epoch as a point of a curve.

    Args:
        writer: TensorBoard writer; None where there is none, as in a bundle.
    """

    def __init__(self, writer: SummaryWriter | None) -> None:
        self.writer = writer

    def __call__(self, epoch: Epoch) -> None:
        """Add the points."""
        if self.writer is None:
            return
        for name, value in {**epoch.values, **{f"gates/{name}": v for name, v in epoch.groups.items()}}.items():
            if isinstance(value, float):
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
        """Log the line, and another one about the gates."""
        scores = "  ".join(
            f"{name.replace('_balanced_accuracy', '_bal_acc')} {epoch.values[name]:.4f}"
            for name in self.in_line
            if name in epoch.values
        )
        ahead = f"  (about {_duration(epoch.seconds_left)} left in this phase)" if epoch.seconds_left else ""
        where = f"Epoch {epoch.number} [{epoch.phase} {epoch.in_phase}/{epoch.num_epochs}]"
        logger.info("%s", f"{where}  lr {epoch.values['lr']:.3g}  {scores}{ahead}")
        if epoch.groups:
            shown = "  ".join(f"{name} {weight:.2f}" for name, weight in epoch.groups.items() if "_of_" not in name)
            logger.info("  Mean gate weights: %s", shown)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
