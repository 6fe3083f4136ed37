"""What it costs to save every epoch: epochs with and without a save, in turn, in one run.

    python scripts/benchmarks/saving.py DATALIST [--overlay configs/overlays/tiny.yaml] [--epochs 6] [--SETTING VALUE ...]

Pretrains for a few epochs in a temporary folder with `save_interval` 2 and one validation at the end, so that every other
epoch ends with a periodic checkpoint and nothing else is written. Prints the time of an epoch of either kind, of a save
and of the flushes (fsync) within it, how large the file is, and the share: a save's time by that of an epoch without one, the
medians of both and, as spread, the shortest save by the longest epoch and the longest by the shortest. CPU time beside it,
because a machine that does other work as well stretches either of the two by chance.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from ignite.engine import Engine, Events

from admoe_monai.handlers import StreamPosition
from admoe_monai.run_files import periodic_epoch
from admoe_monai.workflows.run.plan import Plan
from admoe_monai.workflows.run.run_directory import RunDirectory
from admoe_monai.workflows.settings.declared import parser_of
from admoe_monai.workflows.settings.resources import resource


@dataclass(frozen=True)
class Span:
    """How long something took, in seconds.

    Attributes:
        wall: on the clock.
        cpu: of the processor, all threads of this process together; waiting for the disk is none of it.
    """

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Span:
        """Since some moment in the past."""
        return cls(time.perf_counter(), time.process_time())

    def until(self, end: Span) -> Span:
        """From this moment to another."""
        return Span(end.wall - self.wall, end.cpu - self.cpu)


class Clock:
    """Times epochs and saves; the library has no hooks for it, so two of its methods are wrapped here."""

    def __init__(self) -> None:
        self.epochs: list[Span] = []
        self.saves: dict[int, Span] = {}
        self.flushes: dict[int, float] = {}
        self.size = 0
        self._flushing = 0.0
        self._began: Span | None = None

    def watch(self) -> None:
        """Time what this process trains from now on."""
        attach, save, fsync = StreamPosition.attach, RunDirectory.save, os.fsync
        clock = self

        def timed_attach(self: StreamPosition, engine: Engine) -> None:
            attach(self, engine)
            engine.add_event_handler(Events.EPOCH_STARTED, clock._begin)

        def timed_save(self: RunDirectory, name: str, contents: Mapping[str, Any]) -> None:
            clock._flushing, began = 0.0, Span.now()
            save(self, name, contents)
            if (epoch := periodic_epoch(Path(name))) is not None:
                clock.saves[epoch], clock.flushes[epoch] = began.until(Span.now()), clock._flushing
                clock.size = (self.path / name).stat().st_size

        def timed_fsync(descriptor: int) -> None:
            began = time.perf_counter()
            fsync(descriptor)
            clock._flushing += time.perf_counter() - began

        StreamPosition.attach, RunDirectory.save = timed_attach, timed_save  # type: ignore[method-assign]
        os.fsync = timed_fsync  # type: ignore[assignment]

    def _begin(self, engine: Engine) -> None:
        now = Span.now()
        if self._began is not None:
            self.epochs.append(self._began.until(now))
        self._began = now


def seconds(spans: Sequence[Span]) -> str:
    """Both clocks of each span."""
    wall, cpu = (", ".join(f"{getattr(span, kind):.2f}" for span in spans) for kind in ("wall", "cpu"))
    return f"{wall} s; of CPU {cpu} s"


def share(saves: Sequence[float], epochs: Sequence[float]) -> str:
    """Of the median epoch, with the spread, in percent."""
    median = statistics.median(saves) / statistics.median(epochs)
    least, most = min(saves) / max(epochs), max(saves) / min(epochs)
    return f"{100 * median:.2f} % of an epoch without ({100 * least:.2f} to {100 * most:.2f})"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datalist", type=Path)
    parser.add_argument("--overlay", type=Path, help="by default the defaults of configs/train.yaml")
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
        files = [entry] if options.overlay is None else [entry, options.overlay]
        Plan(parser_of(files, {**plan, **settings}), entry.parent).run()
    # The last epoch also validates; the first warms up.
    with_save = [clock.epochs[e] for e in range(1, len(clock.epochs)) if e in clock.saves]
    without = [clock.epochs[e] for e in range(1, len(clock.epochs)) if e not in clock.saves]
    saves = list(clock.saves.values())
    wall = share([span.wall for span in saves], [span.wall for span in without])
    cpu = share([span.cpu for span in saves], [span.cpu for span in without])
    sys.stdout.write(
        f"{options.overlay or 'defaults'}, {torch.get_num_threads()} threads, torch {torch.__version__}\n"
        f"epochs with a save    {seconds(with_save)}\n"
        f"epochs without a save {seconds(without)}\n"
        f"a save                {seconds(saves)}, {clock.size / 1e6:.1f} MB\n"
        f"of it, flushing       {', '.join(f'{s:.3f}' for s in clock.flushes.values())} s\n"
        f"share of saving       {wall}\n"
        f"in CPU time           {cpu}\n"
    )


if __name__ == "__main__":
    main()
