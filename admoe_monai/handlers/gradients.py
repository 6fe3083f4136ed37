"""What stands between the loss and the optimizer: no step on a non-finite loss, none with an exploding gradient."""

from __future__ import annotations

import torch
from ignite.engine import Engine
from monai.engines.utils import IterationEvents
from torch import nn

from admoe_monai.errors import UserError


class FiniteLoss:
    """Stop before a loss that is not finite reaches the weights or a checkpoint.

    ignite's TerminateOnNan fires COMPLETED on its way out, and a final save would then write the broken weights.
    """

    def attach(self, engine: Engine) -> None:
        """Register for every loss."""
        engine.add_event_handler(IterationEvents.LOSS_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Check the loss.

        Raises:
            UserError: naming the step and the scans of the batch.
        """
        loss = engine.state.output["loss"]
        if not torch.isfinite(loss):
            batch = engine.state.batch
            scans = ", ".join(batch.get("image_path", [])) if isinstance(batch, dict) else ""
            raise UserError(
                f"the loss is {loss.item()} at epoch {engine.state.epoch} of the phase, step {engine.state.iteration}"
                f" (batch: {scans or 'unnamed'}); nothing of this step was saved. Lower base_lr or set clip_grad"
            )


class GradientClipping:
    """Scale the gradient down to a largest norm; MONAI's SupervisedTrainer (1.6.1) has no clipping.

    Args:
        network: whose parameters are clipped.
        max_norm: largest total L2 norm; None leaves gradients as they are.
        accumulation_steps: the norm is that of the sum over these steps, so only the last of them clips.

    Raises:
        ValueError: for a norm that is not positive.
    """

    def __init__(self, network: nn.Module, max_norm: float | None = None, accumulation_steps: int = 1) -> None:
        if max_norm is not None and max_norm <= 0:
            raise ValueError(f"clip_grad must be positive or null, got {max_norm}")
        self.network = network
        self.max_norm = max_norm
        self.accumulation_steps = accumulation_steps

    def attach(self, engine: Engine) -> None:
        """Register for every backward pass."""
        if self.max_norm is not None:
            engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Clip where the trainer is about to step."""
        step = (engine.state.iteration - 1) % engine.state.epoch_length + 1
        if self.max_norm is not None and (step % self.accumulation_steps == 0 or step == engine.state.epoch_length):
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.max_norm)
