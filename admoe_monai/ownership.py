"""Whose a file is: what another user can change at any time is no ground for a run."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from admoe_monai.errors import UserError


def refuse_of_others(path: Path, what: str, remedy: str) -> None:
    """Refuse a file or folder of another user.

    The administrator's are accepted, and he accepts all: he can change everything anyway, and a container's root reads the
    files of whoever started it.

    Args:
        path: Path of the file or folder; one that is absent is nobody's.
        what: What it is, for the message.
        remedy: What to do, for the message.

    Raises:
        UserError: Naming the number of its owner.
    """
    try:
        owner = path.stat().st_uid
    except OSError:
        return
    if os.geteuid() in (0, owner) or owner == 0:
        return
    if owner != _owner_of_new(path if path.is_dir() else path.parent):
        raise UserError(
            f"{what} {path} belongs to another user (number {owner}), who can change it at any time: {remedy}"
        )


def _owner_of_new(folder: Path) -> int | None:
    """Tell whose a file is that this user makes; some file systems of networks give all files one owner."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_uid
    except OSError:
        return None
