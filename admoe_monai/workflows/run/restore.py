"""Restoration of a checkpoint's state in network and phase."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from admoe_monai.checkpoints import (
    Checkpoint,
    FileContents,
    ForeignCheckpointError,
    IncompatibleCheckpointError,
    ParameterMatch,
    examine,
    load_matched,
    load_whole,
    match_parameters,
    optimizer_state_by_name,
    optimizer_state_from_names,
)
from admoe_monai.handlers import Stateful, parameter_names
from admoe_monai.networks.nets import as_encoder_weights, remove_decoder, without_decoder

from .phase import PhaseWorkflow

logger = logging.getLogger(__name__)

# A file that fits less of the encoder than this is of another network.
LEAST_SHARE = 0.9


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


@dataclass(frozen=True)
class PretrainedFit:
    """Correspondence of the weights of a file with a network that finetuning starts from, both without their decoders.

    Attributes:
        weights: Weights of the file, under the network's names where it is of a backbone alone.
        match: Names that match and names that don't.
        encoder_share: Share of the encoder's parameters that find their weights; 0 to 1.
    """

    weights: dict[str, torch.Tensor]
    match: ParameterMatch
    encoder_share: float

    @property
    def is_enough(self) -> bool:
        """Tell whether the file is of the same network."""
        return self.encoder_share >= LEAST_SHARE

    def verdict(self) -> str:
        """State the share beside the least one required."""
        least = "" if self.is_enough else f", less than {100 * LEAST_SHARE:.0f} %"
        return f"{100 * self.encoder_share:.1f} % of the encoder{least}"


def fit_of(weights: Mapping[str, torch.Tensor], network: nn.Module) -> PretrainedFit:
    """Compare the weights of a file with a network, without loading anything.

    Args:
        weights: Tensors by name.
        network: Network as built from the settings.
    """
    own = without_decoder(network.state_dict())
    renamed = without_decoder(as_encoder_weights(weights, own))
    match = match_parameters(renamed, own)
    sizes = {name: p.numel() for name, p in network.named_parameters() if name.startswith("encoder.")}
    return PretrainedFit(renamed, match, sum(sizes.get(name, 0) for name in match.matched) / sum(sizes.values()))


def load_pretrained(network: nn.Module, path: Path) -> None:
    """Start finetuning from the weights of a file; its decoder is left out.

    Args:
        network: Network that receives the weights.
        path: Checkpoint of this package or of the original training code, or bare state dict, of the same network or of its
            backbone alone.

    Raises:
        ForeignCheckpointError: If the file holds no weights.
        IncompatibleCheckpointError: If less than `LEAST_SHARE` of the encoder's parameters find their weights.
    """
    found = examine(load_whole(path))
    if not found.weights:
        raise ForeignCheckpointError(f"{path} holds no weights: it is {found.kind} ({found.remark})")
    fit = fit_of(found.weights, network)
    if not fit.is_enough:
        raise IncompatibleCheckpointError(
            f"{path} ({found.kind}) fits {fit.verdict()}: {fit.match.differences()}; compare it with a config: "
            f"admoe inspect {path} --config CONFIG"
        )
    load_matched(network, {name: fit.weights[name] for name in fit.match.matched})
    logger.info("Loading pretrained weights from: %s", path)
    logger.info("Found %s%s", found.kind, _claims(found))
    logger.info("Pretrained weights from %s: %s", path, fit.verdict())
    for line in match_lines(len(fit.match.matched), len(fit.match.missing), len(fit.match.unexpected)):
        logger.info("%s", line)
    if fit.match.missing or fit.match.reshaped:
        # Heads for other classes, a prior of other columns: legitimate, and nothing to find out after the training.
        logger.warning("Not all of the network starts from these weights: %s", fit.match.differences())


def _claims(found: FileContents) -> str:
    said = ", ".join(f"{key} {found.claims[key]}" for key in ("epoch", "phase") if key in found.claims)
    return f": {said}" if said else ""


def match_lines(matched: int, missing: int, unexpected: int) -> list[str]:
    """Format the analysis of parameters as the log prints it."""
    return [
        "Parameter matching analysis:",
        f"  - Matched parameters: {matched}",
        f"  - Missing parameters: {missing}",
        f"  - Unexpected parameters: {unexpected}",
    ]
