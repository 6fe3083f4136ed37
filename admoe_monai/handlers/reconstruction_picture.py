"""A picture of what pretraining has learned: original, masked, reconstructed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from torch.utils.tensorboard import SummaryWriter

from .training_state import TrainingState

Draw = Callable[..., np.ndarray]
Error = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor]


class ReconstructionPicture:
    """Draw the first scan of each validation into TensorBoard.

    Args:
        writer: TensorBoard writer.
        training_state: State of the phase, for the epoch.
        draw: Function of image (C, *S), mask (1, *grid) and prediction (C, *S) as arrays, and of a title, that returns an RGB
            picture (height, width, 3).
        error: Function of prediction, image, mask and foreground, each with an axis for the batch, that returns the error to
            state in the title; None for a title without.
    """

    def __init__(
        self, writer: SummaryWriter, training_state: TrainingState, draw: Draw, error: Error | None = None
    ) -> None:
        self.writer = writer
        self.training_state = training_state
        self.draw = draw
        self.error = error
        self._first: dict[str, Any] | None = None
        self._error = ""

    def attach(self, engine: Engine) -> None:
        """Register with the evaluator."""
        engine.add_event_handler(Events.ITERATION_COMPLETED(once=1), self._keep)
        engine.add_event_handler(Events.COMPLETED, self)

    def _keep(self, engine: Engine) -> None:
        label, prediction = engine.state.output["label"], engine.state.output["pred"]
        self._first = {
            "image": label["image"][:1],
            "mask": label["mask"][:1],
            "prediction": prediction["reconstruction"][:1],
        }
        self._error = ""
        if self.error is not None:
            foreground = label["foreground"][:1] if "foreground" in label else None
            error = self.error(self._first["prediction"], self._first["image"], self._first["mask"], foreground)
            self._error = f", masked L1 {float(error):.3f}"

    def __call__(self, engine: Engine) -> None:
        """Draw the scan kept from this validation."""
        if self._first is None:
            return
        arrays = {name: tensor[0].detach().cpu().numpy() for name, tensor in self._first.items()}
        self._first = None
        # Evaluator.run was given the trainer's epoch.
        epoch = self.training_state.epoch_of(engine.state.epoch)
        picture = self.draw(**arrays, title=f"epoch {epoch}{self._error}")
        self.writer.add_image("pretrain/original_masked_reconstructed", picture, epoch, dataformats="HWC")
