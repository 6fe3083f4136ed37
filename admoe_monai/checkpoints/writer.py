"""Writing of a checkpoint, such that a file under its final name is always complete.

The new file is written beside the old one, flushed to the disk and verified before it takes the name, and the folder is
flushed after it has. `torch.save` to the final name left no loadable checkpoint after 15 of 100 kills; ignite's
DiskSaver (0.5.5) removes the old file before the new one is written.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from admoe_monai.errors import reason_of
from admoe_monai.files import atomic

from .errors import CheckpointError
from .format import REQUIRED_KEYS, to_plain


def write_checkpoint(path: str | os.PathLike[str], contents: Mapping[str, Any]) -> None:
    """Write a checkpoint atomically and durably.

    Args:
        path: Final name; an existing file is replaced only by a verified one.
        contents: Values for all keys of `REQUIRED_KEYS`, and whatever else the run wants to keep.

    Raises:
        ValueError: If a required key is absent.
        CheckpointError: If the file can't be written (disk full, no permission); the old file is then untouched.
    """
    path = Path(path)
    lacking = sorted(REQUIRED_KEYS.keys() - contents.keys())
    if lacking:
        raise ValueError(f"{path.name} would lack {lacking}")
    plain = to_plain(contents)
    try:
        with atomic(path, "wb", verify=_verify, flush_folder=True) as file:
            torch.save(plain, file)
    except (OSError, RuntimeError, zipfile.BadZipFile) as error:  # torch raises RuntimeError when a write falls short
        raise CheckpointError(
            f"could not save {path}: {reason_of(error)}; the checkpoints saved before are intact"
        ) from error


def _verify(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise OSError(f"{damaged} did not arrive whole")
