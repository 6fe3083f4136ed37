"""Puts the state of a checkpoint back into network and phase."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from admoe_monai.checkpoints import (
    ForeignCheckpointError,
    IncompatibleCheckpointError,
    load_matched,
    optimizer_state_from_names,
)
from admoe_monai.checkpoints.reader import check_integrity, load_safely
from admoe_monai.handlers import parameter_names
from admoe_monai.networks.nets import remove_decoder

from .phase import PhaseWorkflow

logger = logging.getLogger(__name__)

# A file that fits less of the encoder than this is of another network.
LEAST_SHARE = 0.9


def restore_network(network: nn.Module, checkpoint: Mapping[str, Any]) -> None:
    """Load all weights of a checkpoint; the decoder leaves first if the checkpoint has none.

    Args:
        network: as built from the settings.
        checkpoint: checked against the network before.
    """
    if checkpoint["decoder_removed"]:
        remove_decoder(network)
    match = load_matched(network, checkpoint["model_state_dict"])
    if match.missing or match.unexpected or match.reshaped:
        raise IncompatibleCheckpointError(f"the checkpoint does not fit the network: {match.differences()}")


def restore_phase(workflow: PhaseWorkflow, checkpoint: Mapping[str, Any]) -> None:
    """Restore optimizer, schedule, training state and position of a phase.

    Args:
        workflow: of the phase that the checkpoint is from.
        checkpoint: as read.

    Raises:
        IncompatibleCheckpointError: if the optimizer state is of other parameters.
    """
    # First of all, because a schedule sets the learning rate of its optimizer when it is made.
    trainer, scheduler = workflow["train::trainer"], workflow["lr_scheduler"]
    network, optimizer = workflow["network_def"], workflow["optimizer"]
    optimizer.load_state_dict(
        optimizer_state_from_names(
            checkpoint["optimizer_state_dict"],
            checkpoint["parameter_names"],
            parameter_names(network, optimizer),
            optimizer.state_dict(),
        )
    )
    logger.info("Optimizer state loaded from checkpoint")
    epoch_length = trainer.state.epoch_length
    iteration = checkpoint["iteration"]
    if checkpoint["epoch_length"] != epoch_length:
        # Only a forced change of batch size or data leads here: begin the epoch after the last completed one.
        iteration = iteration // checkpoint["epoch_length"] * epoch_length
    _restore_schedule(scheduler, checkpoint["scheduler_state_dict"], iteration)
    workflow["training_state"].load_state_dict(checkpoint["training_state"])
    trainer.load_state_dict(
        {"iteration": iteration, "epoch_length": epoch_length, "max_epochs": trainer.state.max_epochs}
    )


def _restore_schedule(scheduler: Any, state: Mapping[str, Any], step: int) -> None:
    horizon = {"t_total": scheduler.t_total, "warmup_steps": scheduler.warmup_steps}
    if state.get("last_epoch") == step and all(state.get(name) == value for name, value in horizon.items()):
        scheduler.load_state_dict(dict(state))
        logger.info("Scheduler state loaded from checkpoint")
        return
    # The schedule is a function of the step: it is set, not replayed.
    scheduler.last_epoch = step
    rates = scheduler.get_lr()
    for group, rate in zip(scheduler.optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    scheduler._last_lr = list(rates)
    logger.warning(
        "The scheduler state of the checkpoint is missing or out of step; the schedule is rebuilt at step %d (lr %.3g)",
        step,
        rates[0],
    )


def load_pretrained(network: nn.Module, path: Path) -> None:
    """Start finetuning from the weights of a file; its decoder is left out.

    Args:
        network: receives the weights.
        path: a checkpoint of ours or a bare state dict of the same network.

    Raises:
        IncompatibleCheckpointError: if less than `LEAST_SHARE` of the encoder's parameters find their weights.
    """
    check_integrity(path)
    contents = load_safely(path)
    weights = contents.get("model_state_dict", contents) if isinstance(contents, dict) else {}
    if not weights or not all(isinstance(value, torch.Tensor) for value in weights.values()):
        raise ForeignCheckpointError(f"{path} holds no weights")
    match = load_matched(network, {n: w for n, w in weights.items() if not n.startswith("decoder.")})
    sizes = {name: p.numel() for name, p in network.named_parameters() if name.startswith("encoder.")}
    share = sum(sizes.get(name, 0) for name in match.matched) / sum(sizes.values())
    if share < LEAST_SHARE:
        raise IncompatibleCheckpointError(
            f"{path} fits {100 * share:.1f} % of the encoder, less than {100 * LEAST_SHARE:.0f} %: "
            f"{match.differences()}"
        )
    logger.info("Pretrained weights from %s: %.1f %% of the encoder", path, 100 * share)
    for line in match_lines(len(match.matched), len(match.missing), len(match.unexpected)):
        logger.info("%s", line)


def match_lines(matched: int, missing: int, unexpected: int) -> list[str]:
    """The analysis of parameters as the log prints it."""
    return [
        "Parameter matching analysis:",
        f"  - Matched parameters: {matched}",
        f"  - Missing parameters: {missing}",
        f"  - Unexpected parameters: {unexpected}",
    ]
