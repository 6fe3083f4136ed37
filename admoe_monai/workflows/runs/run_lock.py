"""Question whether a process is at work in a run directory."""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from pathlib import Path

from admoe_monai.run_files import LOCK

# The members of C's `struct flock` in their order: start, length, process, type, whence, or type and whence first.
_TYPE_LAST = sys.platform == "darwin"
_LAYOUT = "qqihh" if _TYPE_LAST else "hhqqi"


def is_at_work(run_dir: Path) -> bool:
    """Tell whether another process holds the lock of a run directory, without taking it.

    A lock that is taken for a moment would turn a run away that starts in this moment. The process that holds the lock itself
    must not ask: closing the file would give its own lock up (POSIX).

    Args:
        run_dir: Run directory; without a lock file nobody is at work.

    Raises:
        OSError: If the lock file may not be read.
    """
    whole_file = (0, 0, 0)  # start, length (0: to the end), process
    kind = (fcntl.F_WRLCK, os.SEEK_SET)
    question = struct.pack(_LAYOUT, *(whole_file + kind if _TYPE_LAST else kind + whole_file))
    try:
        with open(run_dir / LOCK, "rb") as file:
            answer = struct.unpack(_LAYOUT, fcntl.fcntl(file, fcntl.F_GETLK, question))
    except FileNotFoundError:
        return False
    return bool(answer[3 if _TYPE_LAST else 0] != fcntl.F_UNLCK)
