"""Files that are intact whenever they have their name."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, Literal, overload

TEMPORARY_SUFFIX = ".tmp"


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


def sweep_temporaries(folder: Path) -> list[Path]:
    """Remove what a kill in the middle of :func:`atomic` left behind.

    Args:
        folder: No other process may be writing to it.

    Returns:
        The files removed.
    """
    strays = sorted(folder.glob(f"*{TEMPORARY_SUFFIX}"))
    for stray in strays:
        stray.unlink(missing_ok=True)
    return strays


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
