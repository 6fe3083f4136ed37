"""When to validate and when to save, said once for both."""

from __future__ import annotations


class Cadence:
    """A cadence, due after every `interval` epochs of the run and after the last epoch of the phase.

    Args:
        interval: Number of epochs between two occasions; epoch e is due when (e + 1) is a multiple of it.
        last_epoch: Last epoch of the phase, counted from 0 over the whole run.

    Raises:
        ValueError: For an interval below 1.
    """

    def __init__(self, interval: int, last_epoch: int) -> None:
        if interval < 1:
            raise ValueError(f"interval must be at least 1 epoch, got {interval}")
        self.interval = interval
        self.last_epoch = last_epoch

    def is_due(self, epoch: int) -> bool:
        """Tell whether something happens after this epoch (counted from 0 over the whole run)."""
        return (epoch + 1) % self.interval == 0 or epoch == self.last_epoch
