"""Files that are whole whenever they have their name."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

TEMPORARY_SUFFIX = ".tmp"


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file beside its place, flush it to the disk, and give it its name only then.

    Args:
        path: of the file; an older one is replaced.
        content: text is written as UTF-8.
    """
    # Tasks on several machines may share the folder, so a process number would not do.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}{TEMPORARY_SUFFIX}")
    try:
        with temporary.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sweep_temporaries(folder: Path) -> None:
    """Remove what a kill in the middle of :func:`write_whole` left behind.

    Args:
        folder: that no other process writes to.
    """
    for stray in folder.glob(f".*{TEMPORARY_SUFFIX}"):
        stray.unlink(missing_ok=True)
