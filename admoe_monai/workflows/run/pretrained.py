"""Weights that finetuning starts from: found, compared with the network, loaded, and told of ever after."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from admoe_monai.checkpoints import (
    FileContents,
    FileKind,
    ForeignCheckpointError,
    IncompatibleCheckpointError,
    ParameterMatch,
    examine,
    load_matched,
    load_whole,
    match_parameters,
)
from admoe_monai.networks.nets import without_decoder
from admoe_monai.networks.published import OWN, FoundWeights, UnsuitableWeightsError, as_network_weights

from .hub import is_on_hub, local_file

logger = logging.getLogger(__name__)

#: A file that fits less of the encoder than this is of another network.
LEAST_SHARE = 0.9
#: Key of a checkpoint that holds where its weights began.
ORIGIN = "origin"


@dataclass(frozen=True)
class PretrainedFit:
    """Correspondence of the weights of a file with a network that finetuning starts from, both without their decoders.

    Attributes:
        found: Weights of the file, under the network's names and in its shapes where that can be.
        match: Names that match and names that don't.
        encoder_share: Share of the encoder's parameters that find their weights; 0 to 1. Gates, which only a network with
            experts has, don't count where the file is of one without.
    """

    found: FoundWeights
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


def fit_of(
    weights: Mapping[str, torch.Tensor], network: nn.Module, expert_noise: float = 0.0, seed: int = 0
) -> PretrainedFit:
    """Compare the weights of a file with a network, without loading anything.

    Args:
        weights: Tensors by name.
        network: Network as built from the settings.
        expert_noise: As in `as_network_weights`.
        seed: Of the noise.

    Raises:
        IncompatibleCheckpointError: For weights of a function that the network can't compute.
    """
    own = without_decoder(network.state_dict())
    try:
        found = as_network_weights(weights, own, expert_noise, seed)
    except UnsuitableWeightsError as error:
        raise IncompatibleCheckpointError(str(error)) from error
    match = match_parameters(without_decoder(found.weights), own)
    sizes = {name: p.numel() for name, p in network.named_parameters() if name.startswith("encoder.")}
    if not any(".gates." in name for name in found.weights):
        sizes = {name: size for name, size in sizes.items() if ".gates." not in name}
    return PretrainedFit(found, match, sum(sizes.get(name, 0) for name in match.matched) / sum(sizes.values()))


def load_pretrained(network: nn.Module, name: str | Path, expert_noise: float = 0.0, seed: int = 0) -> dict[str, Any]:
    """Start finetuning from the weights of a file; its decoder is left out.

    Args:
        network: Network that receives the weights.
        name: Checkpoint of this package or of the original training code, a published file (also by its name on the Hub), or a
            bare state dict, of the same network or of its backbone alone.
        expert_noise: As in `as_network_weights`.
        seed: Of the noise.

    Returns:
        Where the weights are from, as every checkpoint of the run will state it.

    Raises:
        ForeignCheckpointError: If the file holds no weights.
        IncompatibleCheckpointError: If less than `LEAST_SHARE` of the encoder's parameters find their weights.
    """
    path = local_file(name)
    contents = load_whole(path)
    found = examine(contents)
    if not found.weights:
        raise ForeignCheckpointError(f"{path} holds no weights: it is {found.kind} ({found.remark})")
    try:
        fit = fit_of(found.weights, network, expert_noise, seed)
    except IncompatibleCheckpointError as error:
        raise IncompatibleCheckpointError(f"{path}: {error}") from error
    if not fit.is_enough:
        raise IncompatibleCheckpointError(
            f"{path} ({found.kind}) fits {fit.verdict()}: {fit.match.differences()}; compare it with a config: "
            f"admoe inspect {path} --config CONFIG"
        )
    load_matched(network, {name: fit.found.weights[name] for name in fit.match.matched})
    origin = _origin(name, path, found, fit, contents)
    logger.info("Loading pretrained weights from: %s", path)
    logger.info("Found %s%s", found.kind, _claims(found))
    for line in origin_lines(origin):
        logger.info("%s", line)
    logger.info("Pretrained weights from %s: %s", path, fit.verdict())
    for line in match_lines(len(fit.match.matched), len(fit.match.missing), len(fit.match.unexpected)):
        logger.info("%s", line)
    if fit.match.missing or fit.match.reshaped:
        # Heads for other classes, a prior of other columns: legitimate, and nothing to find out after the training.
        logger.warning("Not all of the network starts from these weights: %s", fit.match.differences())
    return origin


def _origin(name: str | Path, path: Path, found: FileContents, fit: PretrainedFit, contents: Any) -> dict[str, Any]:
    own_file = found.kind in (FileKind.OWN, FileKind.ORIGINAL)
    own = own_file or fit.found.layout is OWN
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    earlier = contents.get(ORIGIN) if isinstance(contents, Mapping) else None
    return {
        "file": str(name) if is_on_hub(name) else path.name,
        "sha256": digest,
        "layout": str(found.kind) if own_file else fit.found.layout.name,
        "licence": None if own else fit.found.layout.licence,
        "published": not own,
        "encoder_share": fit.encoder_share,
        "changes": list(fit.found.changes),
        "before": earlier if isinstance(earlier, dict) else None,
    }


def origin_lines(origin: Mapping[str, Any]) -> list[str]:
    """Say where weights are from, for a log, a report and the description of a model.

    Args:
        origin: As `load_pretrained` returns it.
    """
    licence = ""
    if origin["published"]:
        known = origin["licence"]
        licence = (
            f"; weights of this kind are published under {known}"
            if known
            else "; its licence is not known: see where you have it from"
        )
    lines = [f"Weights from {origin['file']} ({origin['layout']}{licence}), SHA-256 {origin['sha256'][:16]}"]
    lines += [f"  {change}" for change in origin["changes"]]
    return lines + ([f"before that: {line}" for line in origin_lines(origin["before"])] if origin["before"] else [])


def published_origin(origin: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Find the file of others that weights began with, however many runs ago.

    Args:
        origin: As a checkpoint holds it.
    """
    while origin is not None and not origin["published"]:
        origin = origin["before"]
    return origin


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
