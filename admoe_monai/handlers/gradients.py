"""Checks between the loss and the optimizer: no step on what is not finite, none with an exploding gradient."""

from __future__ import annotations

import torch
from ignite.engine import Engine, Events
from monai.engines.utils import IterationEvents
from torch import nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

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
            UserError: Naming the step and the scans of the batch.
        """
        _check_finite("loss", engine.state.output["loss"], engine)


class GradientClipping:
    """Scale the gradient down to a largest norm, and stop before one that is not finite reaches the weights.

    MONAI's SupervisedTrainer (1.6.1) does neither. A finite loss may have an infinite gradient, and clipping would turn
    it into NaN weights. Both are here because both need the norm. Its mean over the steps of the epoch, before clipping,
    goes to the trainer's metrics.

    Args:
        network: Network whose parameters are clipped.
        max_norm: Largest total L2 norm; None leaves finite gradients as they are.
        accumulation_steps: Number of batches per step of the optimizer; the norm is that of the sum over them, so only the
            last one clips.

    Raises:
        ValueError: For a norm that is not positive.
    """

    def __init__(self, network: nn.Module, max_norm: float | None = None, accumulation_steps: int = 1) -> None:
        if max_norm is not None and max_norm <= 0:
            raise ValueError(f"clip_grad must be positive or null, got {max_norm}")
        self.network = network
        self.max_norm = max_norm
        self.accumulation_steps = accumulation_steps
        self._norms: list[float] = []

    def attach(self, engine: Engine) -> None:
        """Register for every backward pass, and the start of every epoch."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._begin_epoch)
        engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self)

    def _begin_epoch(self, engine: Engine) -> None:
        self._norms = []

    def __call__(self, engine: Engine) -> None:
        """Check the gradient, and clip it where the trainer is about to step.

        Raises:
            UserError: Naming the step and the scans of the batch.
        """
        # Checked in every one of accumulated steps: at their end the batch at fault could no longer be named.
        norm = get_total_norm([p.grad for p in self.network.parameters() if p.grad is not None])
        _check_finite("norm of the gradient", norm, engine)
        step = (engine.state.iteration - 1) % engine.state.epoch_length + 1
        if step % self.accumulation_steps and step < engine.state.epoch_length:
            return
        self._norms.append(norm.item())
        engine.state.metrics["gradient_norm"] = sum(self._norms) / len(self._norms)
        if self.max_norm is not None:
            clip_grads_with_norm_(self.network.parameters(), self.max_norm, norm)


def _check_finite(what: str, value: torch.Tensor, engine: Engine) -> None:
    if torch.isfinite(value):
        return
    batch = engine.state.batch
    scans = ", ".join(batch.get("image_path", [])) if isinstance(batch, dict) else ""
    raise UserError(
        f"the {what} is {value.item()} at epoch {engine.state.epoch} of the phase, step {engine.state.iteration}"
        f" (batch: {scans or 'unnamed'}); nothing of this step was saved. Lower base_lr or set clip_grad"
    )
