"""A picture of what pretraining has learned: original, masked, reconstructed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ignite.engine import Engine, Events
from torch.utils.tensorboard import SummaryWriter

from .training_state import TrainingState

Draw = Callable[..., np.ndarray]


class ReconstructionPicture:
    """Draw the first scan of each validation into TensorBoard.

    Args:
        writer: TensorBoard writer.
        training_state: State of the phase, for the epoch.
        draw: Function of image (C, *S), mask (1, *grid) and prediction (C, *S) as arrays that returns an RGB picture
            (height, width, 3).
    """

    def __init__(self, writer: SummaryWriter, training_state: TrainingState, draw: Draw) -> None:
        self.writer = writer
        self.training_state = training_state
        self.draw = draw
        self._first: dict[str, Any] | None = None

    def attach(self, engine: Engine) -> None:
        """Register with the evaluator."""
        engine.add_event_handler(Events.ITERATION_COMPLETED(once=1), self._keep)
        engine.add_event_handler(Events.COMPLETED, self)

    def _keep(self, engine: Engine) -> None:
        label, prediction = engine.state.output["label"], engine.state.output["pred"]
        self._first = {
            "image": label["image"][0],
            "mask": label["mask"][0],
            "prediction": prediction["reconstruction"][0],
        }

    def __call__(self, engine: Engine) -> None:
        """Draw the scan kept from this validation."""
        if self._first is None:
            return
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in self._first.items()}
        self._first = None
        # Evaluator.run was given the trainer's epoch.
        self.writer.add_image(
            "pretrain/original_masked_reconstructed",
            self.draw(**arrays),
            self.training_state.epoch_of(engine.state.epoch),
            dataformats="HWC",
        )
