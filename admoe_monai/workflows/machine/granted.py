"""Cores that this process may really use, which in a container or a job are fewer than the machine has.

Three runs of two threads each on two cores took 24 times the processor time of three runs of one thread: threads that wait for
a core spin meanwhile.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

import joblib
import torch

logger = logging.getLogger(__name__)


def granted_threads(environment: Mapping[str, str] = os.environ) -> int:
    """Count the threads that this process may compute with.

    Args:
        environment: Variables of the environment. OMP_NUM_THREADS counts as the user's word, but torchrun sets it to 1 where
            the user has not.

    Returns:
        OMP_NUM_THREADS where it is a number, else the share of one process in the cores of this machine; 1 at least.
    """
    chosen = _number(environment.get("OMP_NUM_THREADS", "").split(",")[0])
    processes = _number(environment.get("LOCAL_WORLD_SIZE", "")) or 1
    return chosen or max(granted_cores(environment) // processes, 1)


def granted_cores(environment: Mapping[str, str] = os.environ) -> int:
    """Count the cores that all processes of a run may use on this machine: the least of what limits them.

    Args:
        environment: Variables of the environment; SLURM_CPUS_PER_TASK is read.

    Returns:
        Number of cores, 1 at least, by affinity and the quota of the control group (both joblib's) and by SLURM.
    """
    return min(joblib.cpu_count(), _number(environment.get("SLURM_CPUS_PER_TASK", "")) or joblib.cpu_count())


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


def _number(word: str) -> int | None:
    """Read a positive whole number; None for anything else, such as `max` or -1."""
    return int(word) or None if word.strip().isdecimal() else None
