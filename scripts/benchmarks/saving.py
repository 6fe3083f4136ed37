"""What it costs to save every epoch: epochs with and without a save, in turn, in one run.

    python scripts/benchmarks/saving.py DATALIST [--overlay configs/overlays/small.yaml] [--epochs 6] [--SETTING VALUE ...]

Pretrains for a few epochs in a temporary folder with `save_interval` 2 and one validation at the end, so that every other
epoch ends with a periodic checkpoint and nothing else is written. Prints the time of an epoch of either kind, of a save
and of the flushes (fsync) within it, how large the file is, and the share: a save's time by that of an epoch without one, the
medians of both and, as spread, the shortest save by the longest epoch and the longest by the shortest.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from ignite.engine import Engine, Events

from admoe_monai.handlers import StreamPosition
from admoe_monai.workflows.plan import Plan
from admoe_monai.workflows.resources import resource
from admoe_monai.workflows.run_directory import RunDirectory
from admoe_monai.workflows.settings import parser_of


class Clock:
    """Times epochs and saves; the library has no hooks for it, so two of its methods are wrapped here."""

    def __init__(self) -> None:
        self.epochs: list[float] = []
        self.saves: dict[int, float] = {}
        self.flushes: dict[int, float] = {}
        self.size = 0
        self._flushing = 0.0
        self._began = 0.0

    def watch(self) -> None:
        """Time what this process trains from now on."""
        attach, save, fsync = StreamPosition.attach, RunDirectory.save, os.fsync
        clock = self

        def timed_attach(self: StreamPosition, engine: Engine) -> None:
            attach(self, engine)
            engine.add_event_handler(Events.EPOCH_STARTED, clock._begin)

        def timed_save(self: RunDirectory, name: str, contents: Mapping[str, Any]) -> None:
            clock._flushing, began = 0.0, time.perf_counter()
            save(self, name, contents)
            if name.startswith("checkpoint_epoch_"):
                epoch = int(name[17:-4])
                clock.saves[epoch], clock.flushes[epoch] = time.perf_counter() - began, clock._flushing
                clock.size = (self.path / name).stat().st_size

        def timed_fsync(descriptor: int) -> None:
            began = time.perf_counter()
            fsync(descriptor)
            clock._flushing += time.perf_counter() - began

        StreamPosition.attach, RunDirectory.save = timed_attach, timed_save  # type: ignore[method-assign]
        os.fsync = timed_fsync  # type: ignore[assignment]

    def _begin(self, engine: Engine) -> None:
        now = time.perf_counter()
        if self._began:
            self.epochs.append(now - self._began)
        self._began = now


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datalist", type=Path)
    parser.add_argument("--overlay", default="configs/overlays/small.yaml")
    parser.add_argument("--epochs", type=int, default=6)
    options, rest = parser.parse_known_args()
    settings = {
        name.removeprefix("--"): yaml.safe_load(value) for name, value in zip(rest[::2], rest[1::2], strict=True)
    }
    clock = Clock()
    clock.watch()
    entry = resource("configs/pretrain.yaml")
    with tempfile.TemporaryDirectory() as folder:
        plan = {
            "datalist": str(options.datalist),
            "run_dir": f"{folder}/run",
            "cache_dir": f"{folder}/preprocessed",
            "pretrain_epochs": options.epochs,
            "eval_interval": options.epochs,
            "save_interval": 2,
            "patience": 0,
            "use_clinical_prior": False,
        }
        Plan(parser_of([entry, Path(options.overlay)], {**plan, **settings}), entry.parent).run()
    # The last epoch also validates; the first warms up.
    with_save = [clock.epochs[e] for e in range(1, len(clock.epochs)) if e in clock.saves]
    without = [clock.epochs[e] for e in range(1, len(clock.epochs)) if e not in clock.saves]
    saves = list(clock.saves.values())
    share = 100 * statistics.median(saves) / statistics.median(without)
    spread = f"{100 * min(saves) / max(without):.2f} to {100 * max(saves) / min(without):.2f}"
    sys.stdout.write(
        f"{options.overlay}, {torch.get_num_threads()} threads, torch {torch.__version__}\n"
        f"epochs with a save    {', '.join(f'{s:.2f}' for s in with_save)} s\n"
        f"epochs without a save {', '.join(f'{s:.2f}' for s in without)} s\n"
        f"a save                {', '.join(f'{s:.3f}' for s in saves)} s, {clock.size / 1e6:.1f} MB\n"
        f"of it, flushing       {', '.join(f'{s:.3f}' for s in clock.flushes.values())} s\n"
        f"share of saving       {share:.2f} % of an epoch without ({spread})\n"
    )


if __name__ == "__main__":
    main()
