"""Digest of a training state: equal for two states whose continuations are equal, whether in memory or in a file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from .format import to_plain

#: What of a checkpoint decides how the run goes on, and what stands for its model; the rest says what run it is of.
STATE = (
    "phase",
    "is_pretrain",
    "decoder_removed",
    "epoch",
    "iteration",
    "epoch_length",
    "model_state_dict",
    "optimizer_state_dict",
    "scheduler_state_dict",
    "parameter_names",
    "training_state",
    "best_val_acc",
    "further",
    "evaluated",
)


def state_digest(contents: Mapping[str, Any]) -> str:
    """Digest the training state in a checkpoint's contents: SHA-256, in hexadecimal.

    Args:
        contents: Contents as `CheckpointSaver` collects them or as `read_checkpoint` returns them; both give the same.
    """
    digest = hashlib.sha256()
    for name, value in leaves({key: contents[key] for key in STATE if key in contents}):
        digest.update(f"{name}\n".encode())
        # Arrays are tensors in a file; a tensor needs no copy.
        value = value if isinstance(value, torch.Tensor) else to_plain(value, name)
        if isinstance(value, torch.Tensor):
            digest.update(f"{value.dtype} {tuple(value.shape)}\n".encode())
            plain = value.detach().as_subclass(torch.Tensor).cpu().contiguous()
            digest.update(plain.reshape(-1).view(torch.uint8).numpy().data)
        else:
            digest.update(f"{type(value).__name__} {value!r}\n".encode())
    return digest.hexdigest()


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Walk through nested mappings and lists to what they hold, each with the way to it; mappings in the order of their keys.

    Args:
        value: Mapping, list, tuple or anything else, which is a leaf; so is an empty one of these.
        name: Way to the value itself.
    """
    if isinstance(value, Mapping) and value:
        for key in sorted(value, key=str):
            yield from leaves(value[key], f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)) and value:
        for number, entry in enumerate(value):
            yield from leaves(entry, f"{name}[{number}]")
    else:
        yield name, value
