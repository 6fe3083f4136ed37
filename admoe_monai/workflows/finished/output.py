"""The folder that a command writes to."""

from __future__ import annotations

from pathlib import Path

from admoe_monai.errors import UserError


def made(folder: Path) -> Path:
    """Make a folder, so that one which can't be made is known before hours of work.

    Args:
        folder: Folder that --output names, or its default.

    Returns:
        The folder.

    Raises:
        UserError: If it can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror}; name another with --output") from error
    return folder
