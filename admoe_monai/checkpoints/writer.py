"""Writes a checkpoint so that a file under its final name is always whole.

The new file is written beside the old one, flushed to the disk and verified before it takes the name, and the folder is
flushed after it has. `torch.save` to the final name left no loadable checkpoint after 15 of 100 kills; ignite's
DiskSaver (0.5.5) removes the old file before the new one is written.
"""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from .errors import CheckpointError
from .format import REQUIRED_KEYS, to_plain

TEMPORARY_SUFFIX = ".tmp"


def write_checkpoint(path: str | os.PathLike[str], contents: Mapping[str, Any]) -> None:
    """Write a checkpoint atomically and durably.

    Args:
        path: the final name; an existing file is replaced only by a verified one.
        contents: all keys of `REQUIRED_KEYS` and whatever else the run wants to keep.

    Raises:
        ValueError: if a required key is absent.
        CheckpointError: if the file can't be written (disk full, no permission); the old file is then untouched.
    """
    path = Path(path)
    lacking = sorted(REQUIRED_KEYS.keys() - contents.keys())
    if lacking:
        raise ValueError(f"{path.name} would lack {lacking}")
    plain = to_plain(contents)
    temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
    try:
        with open(temporary, "wb") as file:
            torch.save(plain, file)
            file.flush()
            os.fsync(file.fileno())
        with zipfile.ZipFile(temporary) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise OSError(f"{damaged} did not arrive whole")
        os.replace(temporary, path)
        _flush_folder(path.parent)
    except (OSError, RuntimeError, zipfile.BadZipFile) as error:  # torch raises RuntimeError when a write falls short
        # A read-only file system refuses this too, even for a file that is not there.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), type(error).__name__)
        raise CheckpointError(f"could not save {path}: {reason}; the checkpoints saved before are intact") from error


def sweep_temporary_files(folder: str | os.PathLike[str]) -> list[Path]:
    """Remove what a kill in the middle of a save left behind.

    Args:
        folder: a run directory owned by this process.

    Returns:
        The files removed.
    """
    strays = sorted(Path(folder).glob(f"*.pth{TEMPORARY_SUFFIX}"))
    for stray in strays:
        stray.unlink()
    return strays


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
