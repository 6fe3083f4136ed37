"""Memory that a small input may take."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Bytes that an input of a few kilobytes may take: address space that is asked for, and pages that are touched.
ASKED, TOUCHED = 1 << 30, 96 << 20


@contextmanager
def bounded_memory() -> Iterator[None]:
    """A context in which more memory than an input may take is a MemoryError, and touched pages are counted."""
    Path("/proc/self/clear_refs").write_text("5")  # begins to count the highest number of pages anew
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = _memory("VmHWM")
    resource.setrlimit(resource.RLIMIT_AS, (_memory("VmSize") + ASKED, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    touched = _memory("VmHWM") - before
    assert touched < TOUCHED, f"took {touched >> 20} MiB"


def _memory(name: str) -> int:
    """Memory of this process in bytes, by its name in Linux."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
