"""The machine that settings are chosen for: the one at hand, or another one that the user describes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from admoe_monai.errors import UserError

from .granted import granted_cores, granted_threads

#: Root of the file system; the tests have another one.
ROOT = Path("/")


@dataclass(frozen=True)
class Machine:
    """A machine to train on with one process.

    Attributes:
        device: cuda or cpu.
        memory: Memory of the GPU, without one that of the process, in bytes.
        cores: Number of cores.
        name: Name of the device, for people.
    """

    device: str
    memory: int
    cores: int
    name: str


def machine_at_hand(device: str | None = None, memory_gb: float | None = None, cores: int | None = None) -> Machine:
    """Look at this machine, unless told otherwise.

    Args:
        device: cuda or cpu; None for the GPU if there is one.
        memory_gb: Memory in place of what is found, in GB (2^30 bytes).
        cores: Number of cores in place of what is granted here; without a GPU, OMP_NUM_THREADS bounds that.

    Raises:
        UserError: For another device, or a GPU that is not here and whose memory is not said.
    """
    if device not in (None, "cuda", "cpu"):
        raise UserError(f"--device must be cuda or cpu, got {device!r}")
    here = torch.cuda.is_available()
    device = device or ("cuda" if here else "cpu")
    if device == "cuda" and not here and memory_gb is None:
        raise UserError("there is no GPU here: say how much memory the other one has with --memory GB")
    if memory_gb is not None:
        memory = int(memory_gb * 2**30)
    else:
        memory = granted_memory() if device == "cpu" else torch.cuda.get_device_properties(0).total_memory
    name = "CPU" if device == "cpu" else torch.cuda.get_device_name(0) if here else "GPU"
    # On a GPU, OMP_NUM_THREADS says nothing of the loaders; on the CPU a proposal may not override it.
    granted = granted_cores() if device == "cuda" else min(granted_cores(), granted_threads())
    return Machine(device, memory, cores or granted, name)


def granted_memory(root: Path = ROOT) -> int:
    """Return the memory that this process may use, in bytes: that of the machine, or what its control groups leave of it.

    Args:
        root: Root of the file system.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_limits(root)])


def _limits(root: Path) -> Iterator[int]:
    """Yield the limits of the process's own control group and of all above it, in both versions of control groups."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / controllers
        # In a container the path may be the host's, of which only the top is there.
        folder = top / group.lstrip("/")
        for place in (folder, *folder.parents):
            file = place / ("memory.limit_in_bytes" if controllers else "memory.max")
            if place.is_relative_to(top) and file.is_file() and (limit := file.read_text().strip()).isdecimal():
                yield int(limit)
