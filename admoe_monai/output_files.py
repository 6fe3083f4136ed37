"""Files that --output names: whether they can be written is known before the work, and what a disk refuses is one line."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from admoe_monai.errors import UserError, reason_of
from admoe_monai.files import write_atomic

__all__ = ["check_output", "refused_output", "write_output"]


def check_output(path: Path) -> None:
    """Make sure that a file can be written, before the work whose result it is to hold; nothing is left on the disk.

    Args:
        path: The file, in a folder that may not be there yet.

    Raises:
        UserError: If the path is that of a folder, or the folder can't be made or takes no files.
    """
    if path.is_dir():
        raise UserError(f"cannot write {path}: it is a folder; name a file with --output")
    folder = Path(os.path.abspath(path)).parent
    while not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir():
        raise UserError(f"cannot write {path}: {folder} is no folder; name another with --output")
    with refused_output(path), tempfile.TemporaryFile(dir=folder):
        pass


def write_output(path: Path, content: bytes | str) -> None:
    """Write a file as :func:`write_atomic` does, and the folders that it is in.

    Args:
        path: An older file of this name is replaced.
        content: Text is written as UTF-8.

    Raises:
        UserError: If the disk refuses.
    """
    with refused_output(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content)


@contextmanager
def refused_output(path: Path) -> Iterator[None]:
    """Context in which what the disk refuses is the user's error, in one line.

    Args:
        path: The file that is written.

    Raises:
        UserError: In the place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {path}: {reason_of(error)}; make room or name another with --output") from error
