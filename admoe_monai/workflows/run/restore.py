"""Restoration of a checkpoint's state in network and phase."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from admoe_monai.checkpoints import (
    Checkpoint,
    IncompatibleCheckpointError,
    load_matched,
    optimizer_state_by_name,
    optimizer_state_from_names,
)
from admoe_monai.handlers import Stateful, parameter_names
from admoe_monai.networks.nets import remove_decoder

from .phase import PhaseWorkflow

logger = logging.getLogger(__name__)


def restore_network(
    network: nn.Module, checkpoint: Checkpoint, weights: Mapping[str, torch.Tensor] | None = None
) -> None:
    """Load all weights of a checkpoint; the decoder leaves first if the checkpoint has none.

    Args:
        network: Network as built from the settings.
        checkpoint: Checkpoint that was checked against the network before.
        weights: Weights of the checkpoint, other than those that were trained; None for these.
    """
    if checkpoint["decoder_removed"]:
        remove_decoder(network)
    match = load_matched(network, checkpoint["model_state_dict"] if weights is None else weights)
    if match.missing or match.unexpected or match.reshaped:
        raise IncompatibleCheckpointError(f"the checkpoint does not fit the network: {match.differences()}")


def restore_phase(workflow: PhaseWorkflow, checkpoint: Checkpoint) -> None:
    """Restore optimizer, schedule, training state, position of a phase, and whatever else it has saved.

    Args:
        workflow: Workflow of the phase that the checkpoint is from.
        checkpoint: Contents of the checkpoint.

    Raises:
        IncompatibleCheckpointError: If the optimizer state is of other parameters, or another state is of something that
            the phase lacks, or lacking for something that it has.
    """
    # First of all, because a schedule sets the learning rate of its optimizer when it is made.
    trainer, scheduler = workflow["train::trainer"], workflow["lr_scheduler"]
    network, optimizer = workflow["network_def"], workflow["optimizer"]
    _group_as_before(network, optimizer, checkpoint)
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
    _restore_further(workflow["saver"].further, checkpoint.get("further", {}), forced=workflow["force_resume"])


def _restore_further(further: Mapping[str, Stateful], states: Mapping[str, Any], forced: bool) -> None:
    for name in sorted(further.keys() ^ states.keys()):
        where = "checkpoint" if name in states else "phase as its overlays make it"
        if not forced:
            raise IncompatibleCheckpointError(
                f"only the {where} has a state of '{name}' (saver::further): the continuation would not be exact. "
                "Take the phase overlays that the run began with, or accept that with --force_resume True"
            )
        logger.warning("Forced: only the %s has a state of '%s'; the result is not exact", where, name)
    for name in further.keys() & states.keys():
        try:
            further[name].load_state_dict(states[name])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise IncompatibleCheckpointError(
                f"'{name}' can't take up its state from the checkpoint: {type(error).__name__}: "
                f"{' '.join(str(error).split())}"
            ) from error
        logger.info("State of %s loaded from checkpoint", name)


def _group_as_before(network: nn.Module, optimizer: Optimizer, checkpoint: Checkpoint) -> None:
    """Go on with the weight decay that a phase began with: before version 0.1.0 it took in what the network now exempts."""
    _, groups = optimizer_state_by_name(checkpoint["optimizer_state_dict"], checkpoint["parameter_names"])
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    own = [[names[id(parameter)] for parameter in group["params"]] for group in optimizer.param_groups]
    before = {name: number for number, group in enumerate(groups) for name in group["params"]}
    now = {name: number for number, group in enumerate(own) for name in group}
    moved = {name for name in before.keys() & now.keys() if before[name] != now[name]}
    exempt: set[str] = getattr(network, "no_weight_decay", set)()
    if not moved or before.keys() != now.keys() or len(groups) != len(own) or not moved <= exempt:
        return  # nothing to do, or no work of this version: loading the state says which
    parameters = dict(network.named_parameters())
    for group, theirs in zip(optimizer.param_groups, groups, strict=True):
        group["params"] = [parameters[name] for name in theirs["params"]]
    logger.warning(
        "The checkpoint is of a version that also decays %d weights of attention scales and position bias: this phase goes on "
        "so, exactly as it began; a phase that begins now exempts them",
        len(moved),
    )


def _restore_schedule(scheduler: Any, state: Mapping[str, Any], step: int) -> None:
    # Attributes of this package's schedule; one of the user's may state its length in other words.
    horizon = {name: getattr(scheduler, name) for name in ("t_total", "warmup_steps") if hasattr(scheduler, name)}
    if state.get("last_epoch") == step and all(state.get(name) == value for name, value in horizon.items()):
        scheduler.load_state_dict(dict(state))
        logger.info("Scheduler state loaded from checkpoint")
        return
    if not isinstance(scheduler, LambdaLR):
        raise IncompatibleCheckpointError(
            f"the state of the schedule {type(scheduler).__name__} is missing or out of step in the checkpoint, and it can't "
            f"be rebuilt from its position (step {step}): take another checkpoint, or the schedule of common.yaml"
        )
    # The schedule is a function of the step: it is set, not replayed.
    scheduler.last_epoch = step
    rates = scheduler.get_lr()
    for group, rate in zip(scheduler.optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    scheduler._last_lr = list(rates)
    if state.get("last_epoch") == step:
        logger.info("The plan has changed; the schedule is rebuilt at step %d (lr %.3g)", step, rates[0])
    else:
        logger.warning(
            "The scheduler state of the checkpoint is missing or out of step; the schedule is rebuilt at step %d (lr %.3g)",
            step,
            rates[0],
        )
