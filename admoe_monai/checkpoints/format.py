"""Keys of a checkpoint. Everything in it is a tensor or plain Python, so that `torch.load` reads it safely.

Eight keys are part of the contract with users (the guide's inspection snippet reads them); the rest is what an exact
resume needs. Two are there only where an overlay asks for them: `further`, the states of other objects by name, and
`evaluated`, which of these holds the weights that stand for the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, NotRequired, TypedDict, get_origin, get_type_hints

import numpy as np
import torch

FORMAT_VERSION = 1

PRETRAIN = "Pretrain (SimMIM)"
FINETUNE = "Finetune (Classification)"
#: Phases by their keys, with the names that checkpoints and the log give them.
PHASES = {"pretrain": PRETRAIN, "finetune": FINETUNE}


class Contract(TypedDict):
    """Contents that the contract with users promises of every checkpoint.

    Attributes:
        epoch: Last completed epoch, counted from 0 over both phases; -1 before the first.
        model_state_dict: Weights by name; in pretraining with `decoder.*`.
        optimizer_state_dict: State of the phase's optimizer.
        scheduler_state_dict: State of the phase's schedule.
        best_val_acc: Highest mean selection metric so far; 0.0 in pretraining.
        is_pretrain: Whether the checkpoint was written in pretraining.
        phase: Name of the phase, one of `PHASES`.
        decoder_removed: Whether the weights come without the decoder.
    """

    epoch: int
    model_state_dict: dict[str, torch.Tensor]
    optimizer_state_dict: dict[str, Any]
    scheduler_state_dict: dict[str, Any]
    best_val_acc: float
    is_pretrain: bool
    phase: str
    decoder_removed: bool


class Checkpoint(Contract):
    """Contents of a checkpoint, as `read_checkpoint` returns them: the contract, and what an exact resume needs.

    Attributes:
        format_version: Value of `FORMAT_VERSION` in the version that wrote the file.
        iteration: Number of steps of the phase so far.
        epoch_length: Number of steps of an epoch.
        parameter_names: Names in the order of the optimizer's groups.
        training_state: State of `TrainingState`.
        settings: Resolved settings.
        digests: Digests of what the settings point to, by name.
        environment: Hardware and versions of the machine.
        prior: Statistics of the prior columns in use.
        parent: Path of the checkpoint that a run in another folder descends from.
        leakage: Leaks that were allowed, one line each.
        pretraining_subjects: Digests of all people whose scans the weights have seen.
        origin: Where the weights are from that finetuning started from, if from a file: its name and digest, whose naming it
            has, its licence as far as that tells, and in `before` where those of the file were from.
        further: States of other objects by name, where an overlay asks for them.
        evaluated: Name of the one of these that holds the weights that stand for the model.
    """

    format_version: int
    iteration: int
    epoch_length: int
    parameter_names: list[str]
    training_state: dict[str, Any]
    settings: dict[str, Any]
    digests: dict[str, str]
    environment: dict[str, Any]
    prior: NotRequired[list[dict[str, Any]]]
    parent: NotRequired[str | None]
    leakage: NotRequired[list[str]]
    pretraining_subjects: NotRequired[list[str]]
    origin: NotRequired[dict[str, Any]]
    further: NotRequired[dict[str, dict[str, Any]]]
    evaluated: NotRequired[str | None]


#: Keys that no checkpoint may lack, with the types that safe loading gives back.
REQUIRED_KEYS: dict[str, type] = {
    name: get_origin(kind) or kind
    for name, kind in get_type_hints(Checkpoint, include_extras=True).items()
    if get_origin(kind) is not NotRequired
}
CONTRACT_TYPES = {name: REQUIRED_KEYS[name] for name in get_type_hints(Contract)}


def is_complete(checkpoint: Checkpoint) -> bool:
    """Tell a checkpoint at the end of an epoch from one in its middle."""
    return checkpoint["iteration"] % checkpoint["epoch_length"] == 0


def position(checkpoint: Checkpoint) -> tuple[int, bool, int]:
    """Tell where in the run a checkpoint stands: later is greater.

    Returns:
        Epoch, whether in finetuning, iteration: each phase counts its own iterations, and until the first epoch of finetuning
        is complete the last completed one is still that of pretraining.
    """
    return checkpoint["epoch"], not checkpoint["is_pretrain"], checkpoint["iteration"]


def phase_key(checkpoint: Checkpoint) -> str:
    """Return the key of the phase that a checkpoint is of."""
    return next(key for key, name in PHASES.items() if name == checkpoint["phase"])


def to_plain(value: Any, where: str = "checkpoint") -> Any:
    """Turn numpy scalars and arrays, paths and enum members into plain Python, and tensors into copies on the CPU.

    One object of another kind anywhere in a file makes all of it unreadable under safe loading.

    Args:
        value: Object about to be written.
        where: Path to the value, for the error message.

    Raises:
        TypeError: For an object that safe loading would refuse.
    """
    if isinstance(value, torch.Tensor):
        # as_tensor sheds MONAI's MetaTensor and nn.Parameter alike.
        return value.detach().as_subclass(torch.Tensor).to("cpu").clone()
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Mapping):
        return {to_plain(k, where): to_plain(v, f"{where}.{k}") for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        converted = [to_plain(v, f"{where}[{i}]") for i, v in enumerate(value)]
        return tuple(converted) if isinstance(value, tuple) else converted
    if isinstance(value, np.generic) and type(value.item()) in (bool, int, float, str):
        return value.item()
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Enum):
        return to_plain(value.value, where)
    if isinstance(value, (bool, int, float, str)):
        return next(kind for kind in (bool, int, float, str) if isinstance(value, kind))(value)
    raise TypeError(f"{where} is a {type(value).__name__}, which a checkpoint cannot hold")
