"""One run in several processes (torchrun): who writes, who waits, and what all must agree on."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from ignite import distributed as idist

T = TypeVar("T")


def world_size() -> int:
    """Return the number of processes that torchrun has started for this run; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def local_rank() -> int:
    """Return the number of this process on its machine, from 0."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def is_main() -> bool:
    """Tell whether this process writes the run directory and the log."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def process_group(device: torch.device) -> Iterator[None]:
    """Connect the processes of the run for as long as it lasts; nothing to do for a single one.

    Args:
        device: Device that this process trains on.
    """
    if world_size() == 1:
        yield
        return
    logging.getLogger("ignite.distributed").setLevel(logging.WARNING)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    idist.initialize("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        idist.finalize()


@contextmanager
def main_first() -> Iterator[None]:
    """Let the main process go through first, so that the others find what it has written."""
    if not is_main():
        idist.barrier()
    yield
    if is_main():
        idist.barrier()


def from_main(value: T) -> T:
    """Return the main process's value; every process must call it at the same place.

    Args:
        value: Value of this process, picklable.
    """
    if world_size() == 1:
        return value
    held = [value]
    torch.distributed.broadcast_object_list(held, src=0)
    return held[0]
