"""Reasons why a file that is no checkpoint can't be read, and what its owner can do about it."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path

import torch

from admoe_monai.errors import some_of

from .errors import CheckpointError, CorruptCheckpointError, ForeignCheckpointError


def refusal_of_code(path: Path) -> str:
    """Explain why safe loading refuses a file: what it holds, and a way out where only numpy is to blame.

    Args:
        path: Path of the file; nothing in it is executed.
    """
    refusal = f"{path} holds more than tensors and plain values and is not loaded, because loading it could run code"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch (2.15) warns about names that it goes on to list
            names = sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # a bare pickle: there is nothing to list
        return refusal
    if not names:
        return refusal
    refusal += f" ({some_of(names)})"
    if all(name.startswith(("numpy.", "_codecs.")) for name in names):
        # The best accuracy of the original training code is a numpy scalar: such a file is common and harmless.
        return (
            f'{refusal}; if you know where it is from, save its weights anew: python -c "import torch; '
            f"c = torch.load('{path}', weights_only=False); torch.save(c.get('model_state_dict', c), 'weights.pth')\""
        )
    return refusal


def begins_as_archive(path: Path) -> bool:
    """Tell whether the file begins as torch writes its files; an empty one counts, since a full disk leaves such."""
    with open(path, "rb") as file:
        return file.read(2) in (b"PK", b"")


def no_archive(path: Path) -> CheckpointError:
    """Build the error for a file that torch wrote long ago, or never."""
    try:
        torch.load(path, map_location="cpu", weights_only=True)
    except Exception:
        return CorruptCheckpointError(f"{path} is no torch file; name a checkpoint")
    return ForeignCheckpointError(
        f"{path} is in torch's format of before version 1.6, which has no checksums; save it anew: "
        f"python -c \"import torch; torch.save(torch.load('{path}'), 'anew.pth')\""
    )


def foreign_archive(path: Path) -> str:
    """Say what an archive is that `torch.save` did not write; empty for one that it did."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [name.partition("/")[2] for name in archive.namelist()]
    except Exception:
        return ""
    if "constants.pkl" in members:
        return "a TorchScript program and no checkpoint"
    return "" if "data.pkl" in members else "an archive that torch did not write, and no checkpoint"
