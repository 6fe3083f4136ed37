"""Reading of a checkpoint: integrity first, then safe loading, then the schema.

`torch.load` does not check the CRC of the archive's members: 393 of 400 files with one flipped bit loaded silently
wrong.
"""

from __future__ import annotations

import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, cast

import safetensors.torch
import torch

from .errors import CheckpointError, CorruptCheckpointError, ForeignCheckpointError
from .format import Checkpoint, position
from .schema import check_schema
from .unreadable import begins_as_archive, foreign_archive, no_archive, refusal_of_code

SAFETENSORS = ".safetensors"


class _ConfigNode:
    """Stand-in for the configs of yacs in Microsoft's files: an empty mapping that takes up plain values."""

    def __new__(cls, *_: Any) -> Any:
        """Make the mapping; nothing of the class that the file names is imported or run."""
        return OrderedDict()


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a complete checkpoint onto the CPU.

    Args:
        path: File written by `write_checkpoint`.

    Raises:
        CheckpointError: If there is no such file or it may not be read.
        CorruptCheckpointError: If its bytes are damaged.
        ForeignCheckpointError: If it is sound but not a checkpoint of this package and version.
    """
    path = Path(path)
    contents = load_whole(path)
    check_schema(path, contents)
    return cast(Checkpoint, contents)


def load_whole(path: Path) -> Any:
    """Load a file of weights of any origin: a torch file whose bytes have passed their checksums, or safetensors.

    Args:
        path: File of any kind.

    Raises:
        CheckpointError: As `check_integrity` and `load_safely`.
    """
    if path.suffix == SAFETENSORS and path.is_file():
        return _load_safetensors(path)
    check_integrity(path)
    return load_safely(path)


def _load_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except PermissionError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
    except Exception as error:  # of four kinds: a name of a type that torch lacks is a KeyError
        raise CorruptCheckpointError(f"{path} is no whole safetensors file ({error}); take another copy") from error


def position_of(path: str | os.PathLike[str]) -> tuple[int, bool, int]:
    """Tell where in the run a checkpoint stands, as `position`, without reading its tensors.

    Args:
        path: File written by `write_checkpoint`.

    Raises:
        CheckpointError: As `read_checkpoint`, except that damaged tensors go unnoticed.
    """
    path = Path(path)
    contents = load_safely(path, mmap=True)
    check_schema(path, contents)
    return position(cast(Checkpoint, contents))


def load_safely(path: Path, mmap: bool = False) -> Any:
    """Load a file by `torch.load` with nothing executed, and one kind of error for the ten that it raises.

    Args:
        path: File of any kind.
        mmap: Whether to leave the tensors on the disk.

    Raises:
        CheckpointError: If the file is absent, damaged or holds more than tensors and plain Python.
    """
    try:
        with torch.serialization.safe_globals([(_ConfigNode, "yacs.config.CfgNode")]):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no checkpoint {path}") from error
    except (IsADirectoryError, PermissionError) as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}; name a checkpoint file") from error
    except pickle.UnpicklingError as error:
        raise ForeignCheckpointError(refusal_of_code(path)) from error
    except Exception as error:  # a truncated archive raises ten different kinds
        if stranger := foreign_archive(path):
            raise ForeignCheckpointError(f"{path} is {stranger}") from error
        raise CorruptCheckpointError(f"{path} is damaged ({type(error).__name__}); take another checkpoint") from error


def check_integrity(path: Path) -> None:
    """Compare every member of the archive with its checksum.

    Args:
        path: File of any kind.

    Raises:
        CheckpointError: If it is absent or may not be read.
        CorruptCheckpointError: If a member is damaged or the file is no archive.
        ForeignCheckpointError: If it holds more than its size.
    """
    try:
        if not path.is_file():
            raise CheckpointError(f"there is no checkpoint {path}")
        with zipfile.ZipFile(path) as archive:
            # torch compresses nothing: what is larger than its file is there to fill the memory of who loads it.
            if sum(member.file_size for member in archive.infolist()) > os.path.getsize(path):
                raise ForeignCheckpointError(
                    f"{path} is compressed, which torch's files are not; save its weights anew"
                )
            damaged = archive.testzip()
    except CheckpointError:
        raise
    except PermissionError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
    except Exception as error:
        if not begins_as_archive(path):
            raise no_archive(path) from error
        raise CorruptCheckpointError(
            f"{path} is not a whole checkpoint ({os.path.getsize(path)} bytes: {error}); take another one"
        ) from error
    if damaged is not None:
        raise CorruptCheckpointError(f"{path} is damaged in {damaged} (checksum); take another checkpoint")
