"""Files that are intact whenever they have their name."""

from __future__ import annotations

import contextlib
import math
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, Literal, overload

TEMPORARY_SUFFIX = ".tmp"
#: Age, in seconds, at which a temporary file is nobody's any more: none takes a day to write, and clocks differ by less.
ABANDONED_AFTER_S = 24 * 3600

_TEMPORARY = re.compile(rf".+\.[0-9a-f]{{8}}{re.escape(TEMPORARY_SUFFIX)}")


@overload
def atomic(
    path: str | os.PathLike[str],
    mode: Literal["w"] = "w",
    verify: Callable[[Path], None] | None = None,
    flush_folder: bool = False,
) -> AbstractContextManager[IO[str]]: ...


@overload
def atomic(
    path: str | os.PathLike[str],
    mode: Literal["wb"],
    verify: Callable[[Path], None] | None = None,
    flush_folder: bool = False,
) -> AbstractContextManager[IO[bytes]]: ...


@contextlib.contextmanager
def atomic(
    path: str | os.PathLike[str],
    mode: Literal["w", "wb"] = "w",
    verify: Callable[[Path], None] | None = None,
    flush_folder: bool = False,
) -> Iterator[IO[Any]]:
    """Open a file beside its place that is flushed to the disk and only then given its name.

    Whatever is raised in between removes it, and an older file of that name stays untouched.

    Args:
        path: The name in the end.
        mode: As of `open`: "w" for text, as UTF-8 and with line ends as they are written, "wb" for bytes.
        verify: Looks at the temporary file once its bytes are on the disk; what it raises keeps the name from being given.
        flush_folder: Whether the name, too, must outlast a loss of power.
    """
    path = Path(path)
    # Tasks on several machines may share the folder, so a process number would not do.
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    text = {"encoding": "utf-8", "newline": ""} if mode == "w" else {}
    try:
        with open(temporary, mode.replace("w", "x"), **text) as file:  # type: ignore[call-overload]
            yield file
            file.flush()
            os.fsync(file.fileno())
        if verify is not None:
            verify(temporary)
        os.replace(temporary, path)
        if flush_folder:
            _flush(path.parent)
    except BaseException:
        # A read-only file system refuses this too, even for a file that is not there.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def write_atomic(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a file as :func:`atomic` does, whose content is at hand.

    Args:
        path: An older file of this name is replaced.
        content: Text is written as UTF-8.
    """
    with atomic(path, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)


def sweep_temporaries(folder: Path, *, shared: bool = False) -> list[Path]:
    """Remove what a kill in the middle of :func:`atomic` left behind, and nothing else whatever its name ends with.

    Args:
        folder: No other process may be writing to it, unless it is shared.
        shared: Whether others may be writing to it: what is younger than a day is theirs.

    Returns:
        The files removed.
    """
    youngest = time.time() - ABANDONED_AFTER_S if shared else math.inf
    strays = []
    for path in sorted(folder.glob(f"*{TEMPORARY_SUFFIX}")):
        # Another process may have removed it in the meantime, or it is of another user.
        with contextlib.suppress(OSError):
            status = path.lstat()
            if _TEMPORARY.fullmatch(path.name) and stat.S_ISREG(status.st_mode) and status.st_mtime < youngest:
                path.unlink()
                strays.append(path)
    return strays


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
