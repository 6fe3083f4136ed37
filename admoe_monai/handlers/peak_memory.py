"""Memory that a run takes at most."""

from __future__ import annotations

import resource
import sys

import torch
from ignite.engine import Engine, Events

GIB = 2**30


class PeakMemory:
    """Put the largest memory so far, in GiB, into the trainer's metrics: of the GPU, or of this process on the CPU.

    Args:
        device: Device that the phase trains on.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = torch.device(device)

    def attach(self, engine: Engine) -> None:
        """Register for the end of every epoch."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Take the figure of this moment."""
        engine.state.metrics["peak_memory_gib"] = self._peak_bytes() / GIB

    def _peak_bytes(self) -> int:
        if self.device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self.device))
        # In KiB but for macOS, which counts bytes.
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
