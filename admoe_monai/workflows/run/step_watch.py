"""What a step takes: time, memory, and of which network."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import torch
from ignite.engine import Engine, Events
from torch import nn

from .components import component_counts

#: Linux forgets the largest memory of a process when a 5 is written here.
_FORGET = Path("/proc/self/clear_refs")


class StepWatch:
    """Watch over the first step of a phase.

    Args:
        name: Name of the phase.
        device: Device that it trains on.
        network: Network of the run.
        kept_by_scan: Bytes that autograd keeps of one scan; None where that could not be counted.

    Attributes:
        parameters: Number of parameters by component, as the phase begins.
        scans: Number of scans in a batch.
        loading: Time that the batch was waited for, in seconds.
        seconds: Time of the step itself, in seconds.
        peak_gib: Largest memory since the phase began, in GiB: of the GPU, or of this process on the CPU.
    """

    def __init__(self, name: str, device: torch.device, network: nn.Module, kept_by_scan: int | None = None) -> None:
        self.name = name
        self.device = device
        self.parameters = component_counts(network)
        self.kept_by_scan = kept_by_scan
        self.scans = 0
        self.loading = self.seconds = self.peak_gib = 0.0
        self._began = 0.0

    def attach(self, engine: Engine) -> None:
        """Register around each step.

        Args:
            engine: Trainer.
        """
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        else:
            with contextlib.suppress(OSError):  # no Linux: the largest of the process so far
                _FORGET.write_text("5")
        engine.add_event_handler(Events.GET_BATCH_STARTED, self._begin)
        engine.add_event_handler(Events.GET_BATCH_COMPLETED, self._loaded)
        engine.add_event_handler(Events.ITERATION_STARTED, self._begin)
        engine.add_event_handler(Events.ITERATION_COMPLETED(once=1), self._stepped)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._completed)

    def _begin(self) -> None:
        self._began = self._now()

    def _loaded(self, engine: Engine) -> None:
        if self.scans:  # a step later than the first; ignite's `once` counts batches by the step before
            return
        self.loading = self._now() - self._began
        self.scans = len(engine.state.batch["image"])

    def _stepped(self) -> None:
        self.seconds = self._now() - self._began

    def _completed(self, engine: Engine) -> None:
        # Of the handler PeakMemory; the trackers are handed it too.
        self.peak_gib = float(engine.state.metrics.get("peak_memory_gib", 0.0))

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()
