"""Reading of a checkpoint: integrity first, then safe loading, then the schema.

`torch.load` does not check the CRC of the archive's members: 393 of 400 files with one flipped bit loaded silently
wrong.
"""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any, cast

import torch

from .errors import CheckpointError, CorruptCheckpointError, ForeignCheckpointError
from .foreign import FileContents, examine
from .format import FORMAT_VERSION, PHASES, PRETRAIN, REQUIRED_KEYS, Checkpoint, position
from .unreadable import begins_as_archive, foreign_archive, no_archive, refusal_of_code


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
    """Load a torch file of any origin whose bytes have passed their checksums.

    Args:
        path: File of any kind.

    Raises:
        CheckpointError: As `check_integrity` and `load_safely`.
    """
    check_integrity(path)
    return load_safely(path)


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
        if not begins_as_archive(path):
            raise no_archive(path) from error
        raise CorruptCheckpointError(
            f"{path} is not a whole checkpoint ({os.path.getsize(path)} bytes: {error}); take another one"
        ) from error
    if damaged is not None:
        raise CorruptCheckpointError(f"{path} is damaged in {damaged} (checksum); take another checkpoint")


def check_schema(path: Path, contents: Any) -> None:
    """Refuse what is no checkpoint of this package and version.

    Args:
        path: Path of the file, for messages.
        contents: Object as `load_whole` returns it.

    Raises:
        ForeignCheckpointError: Naming what the file is or lacks, and what to do instead.
    """
    if not isinstance(contents, dict) or "format_version" not in contents:
        raise ForeignCheckpointError(_refusal_of_foreign(path, examine(contents)))
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
    if contents["phase"] not in PHASES.values() or contents["is_pretrain"] != (contents["phase"] == PRETRAIN):
        raise ForeignCheckpointError(f"{path}: phase {contents['phase']!r} contradicts is_pretrain or is unknown")


def _refusal_of_foreign(path: Path, found: FileContents) -> str:
    refusal = f"{path} was not written by admoe_monai and can't be resumed from: it is {found.kind}"
    if not found.weights:
        return f"{refusal} ({found.remark})"
    return (
        f"{refusal} and lacks {found.lacks}; finetuning can start from its weights: "
        f"--config_file configs/finetune.yaml --pretrained {path}"
    )
