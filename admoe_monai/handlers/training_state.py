"""State of a phase: what an exact resume needs beside weights, optimizer and schedule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple


class Improvement(NamedTuple):
    """Scores that a validation has improved.

    Attributes:
        loss: Whether the loss is the lowest validation loss of the phase so far.
        accuracy: Whether the mean selection metric is the highest so far, ties going to the lower loss.
    """

    loss: bool
    accuracy: bool


class TrainingState:
    """Early stopping, best scores and the running averages of the epoch under way.

    MONAI's savers and its early stopping forget all of these: after a restart the first validation overwrites a better
    best model, and patience starts anew.

    Args:
        first_epoch: First epoch of the phase, counted from 0 over the whole run.
        patience: Number of validations without a lower loss after which the phase stops; 0 never stops it.

    Raises:
        ValueError: For a negative patience.
    """

    def __init__(self, first_epoch: int = 0, patience: int = 0) -> None:
        if patience < 0:
            raise ValueError(f"patience must not be negative, got {patience}")
        self.first_epoch = first_epoch
        self.patience = patience
        self.best_loss = math.inf
        self.best_loss_epoch = -1
        self.best_val_acc = 0.0
        self.best_val_acc_epoch = -1
        self.best_val_acc_loss = math.inf
        self.validations_without_improvement = 0
        self.stopped_early = False
        self.sums: dict[str, float] = {}
        self.count = 0

    def epoch_of(self, engine_epoch: int) -> int:
        """Return the epoch of the run, counted from 0 over both phases.

        Args:
            engine_epoch: Epoch that ignite counts, from 1 within the phase.
        """
        return self.first_epoch + engine_epoch - 1

    def add(self, values: Mapping[str, float], count: int) -> None:
        """Take the sums over the `count` items of one step into the averages of the epoch."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value)
        self.count += count

    def averages(self) -> dict[str, float]:
        """Return the averages over the items of the epoch so far."""
        return {name: total / self.count for name, total in self.sums.items()} if self.count else {}

    def begin_epoch(self) -> None:
        """Forget the averages of the epoch before."""
        self.sums, self.count = {}, 0

    def validated(self, epoch: int, loss: float, accuracy: float | None = None) -> Improvement:
        """Record a validation; what is not finite improves nothing, and a best that is NaN would stay for ever.

        Args:
            epoch: Epoch, counted from 0 over the whole run.
            loss: Validation loss, NaN and infinities included.
            accuracy: Mean over tasks of the selection metric; None where there is none.
        """
        lower_loss = math.isfinite(loss) and loss < self.best_loss
        if lower_loss:
            self.best_loss, self.best_loss_epoch = loss, epoch
            self.validations_without_improvement = 0
        else:
            self.validations_without_improvement += 1
            self.stopped_early = 0 < self.patience <= self.validations_without_improvement
        comparable = accuracy is not None and math.isfinite(accuracy) and math.isfinite(loss)
        better = comparable and (
            self.best_val_acc_epoch < 0 or (accuracy, -loss) > (self.best_val_acc, -self.best_val_acc_loss)
        )
        if accuracy is not None and better:
            self.best_val_acc, self.best_val_acc_loss, self.best_val_acc_epoch = accuracy, loss, epoch
        return Improvement(loss=lower_loss, accuracy=better)

    def forget(self, score: str) -> None:
        """Have the next validation set a best score anew, because the file of its weights is not at hand.

        Args:
            score: Name of the score: "best_loss" or "best_val_acc".

        Raises:
            ValueError: For another name.
        """
        if score == "best_loss":
            self.best_loss, self.best_loss_epoch = math.inf, -1
        elif score == "best_val_acc":
            self.best_val_acc, self.best_val_acc_loss, self.best_val_acc_epoch = 0.0, math.inf, -1
        else:
            raise ValueError(f"there is no best score '{score}'")

    def state_dict(self) -> dict[str, Any]:
        """Return everything but `first_epoch` and `patience`, which are settings, as plain Python."""
        return {name: value for name, value in vars(self).items() if name not in ("first_epoch", "patience")} | {
            "sums": dict(self.sums)
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a state.

        Args:
            state: State from `state_dict`.

        Raises:
            ValueError: If an entry is absent.
        """
        for name in self.state_dict():
            if name not in state:
                raise ValueError(f"the training state lacks '{name}'")
            setattr(self, name, dict(state[name]) if name == "sums" else state[name])
