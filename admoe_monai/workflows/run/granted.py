"""Cores and memory that this process may really use, which in a container or a job are fewer than the machine has.

Three runs of two threads each on two cores took 24 times the processor time of three runs of one thread: threads that wait for
a core spin meanwhile.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch

logger = logging.getLogger(__name__)

#: Root of the file system; the tests have another one.
ROOT = Path("/")


def granted_threads(environment: Mapping[str, str] = os.environ, root: Path = ROOT) -> int:
    """Count the threads that this process may compute with.

    Args:
        environment: Variables of the environment. OMP_NUM_THREADS counts as the user's word, but torchrun sets it to 1 where
            the user has not.
        root: Root of the file system.

    Returns:
        OMP_NUM_THREADS where it is a number, else the share of one process in the cores of this machine; 1 at least.
    """
    chosen = _number(environment.get("OMP_NUM_THREADS", "").split(",")[0])
    processes = _number(environment.get("LOCAL_WORLD_SIZE", "")) or 1
    return chosen or max(granted_cores(environment, root) // processes, 1)


def granted_cores(environment: Mapping[str, str] = os.environ, root: Path = ROOT) -> int:
    """Count the cores that all processes of a run may use on this machine: the least of what limits them.

    Args:
        environment: Variables of the environment; SLURM_CPUS_PER_TASK is read.
        root: Root of the file system.

    Returns:
        Number of cores, 1 at least, by affinity, the quota of the control groups and SLURM.
    """
    # No such function on macOS.
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [int(quota) for quota in _limits(root, "cpu", "cpu.max", "cpu.cfs_quota_us", _cores_of)]
    job = _number(environment.get("SLURM_CPUS_PER_TASK", ""))
    return max(min([bound, *quotas, *([job] if job else [])]), 1)


def granted_memory(root: Path = ROOT) -> int:
    """Return the memory that this process may use, in bytes: that of the machine, or what its control groups leave of it.

    Args:
        root: Root of the file system.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = _limits(root, "memory", "memory.max", "memory.limit_in_bytes", _bytes_of)
    return int(min([machine, *limits]))


def use_threads(number: int | None = None) -> None:
    """Let torch compute with this number of CPU threads from now on.

    Args:
        number: Number of threads of this process; None for those that it is granted.
    """
    torch.set_num_threads(number or granted_threads())


def tell_kept_threads(number: int) -> None:
    """Log that a run goes on with the threads that it had, where this process would take another number.

    Args:
        number: Number of threads that the run had.
    """
    granted = granted_threads()
    if number < granted:
        logger.info("Threads: %d, as the run had; with the %d granted here it would not be exact", number, granted)
    elif number > granted:
        logger.warning(
            "Threads: %d, as the run had, though %d granted here: exact, but slow; --threads %d --force_resume True "
            "would be faster, and not exact",
            number,
            granted,
            granted,
        )


def _limits(
    root: Path, controller: str, second: str, first: str, read: Callable[[Path], float | None]
) -> Iterator[float]:
    """Yield the limits of the process's own control group and of all above it, in both versions of control groups.

    Args:
        root: Root of the file system.
        controller: Name of the controller.
        second: Name of the file with the limit in version 2.
        first: Name of it in version 1.
        read: Function that reads such a file; None for no limit.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / controllers
        # In a container the path may be the host's, of which only the top is there.
        folder = top / group.lstrip("/")
        for place in (folder, *folder.parents):
            if place.is_relative_to(top) and (limit := read(place / (first if controllers else second))) is not None:
                yield limit


def _cores_of(file: Path) -> float | None:
    words = _words(file)
    if file.name == "cpu.cfs_quota_us":
        words += _words(file.with_name("cpu.cfs_period_us"))
    quota, period = [_number(word) for word in (*words, "", "")][:2]
    return quota / period if quota and period else None


def _bytes_of(file: Path) -> float | None:
    return _number((*_words(file), "")[0])


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []


def _number(word: str) -> int | None:
    """Read a positive whole number; None for anything else, such as `max` or -1."""
    return int(word) or None if word.strip().isdecimal() else None
