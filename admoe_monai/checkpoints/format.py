"""The keys of a checkpoint. Everything in it is a tensor or plain Python, so that `torch.load` reads it safely.

Eight keys are part of the contract with users (the guide's inspection snippet reads them); the rest is what an exact
resume needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import torch

FORMAT_VERSION = 1

PRETRAIN = "Pretrain (SimMIM)"
FINETUNE = "Finetune (Classification)"
#: Phases by their keys, with the names that checkpoints and the log give them.
PHASES = {"pretrain": PRETRAIN, "finetune": FINETUNE}

CONTRACT_TYPES: dict[str, type] = {
    "epoch": int,
    "model_state_dict": dict,
    "optimizer_state_dict": dict,
    "scheduler_state_dict": dict,
    "best_val_acc": float,
    "is_pretrain": bool,
    "phase": str,
    "decoder_removed": bool,
}
RESUME_TYPES: dict[str, type] = {
    "format_version": int,
    "iteration": int,
    "epoch_length": int,
    "parameter_names": list,
    "training_state": dict,
    "settings": dict,
    "digests": dict,
    "environment": dict,
}
REQUIRED_KEYS: dict[str, type] = {**CONTRACT_TYPES, **RESUME_TYPES}


def to_plain(value: Any, where: str = "checkpoint") -> Any:
    """Turn numpy scalars and arrays, paths and enum members into plain Python, and tensors into copies on the CPU.

    One object of another kind anywhere in a file makes the whole of it unreadable under safe loading.

    Args:
        value: what is about to be written.
        where: path to the value, for the error message.

    Raises:
        TypeError: for an object that safe loading would refuse.
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
