"""Work that goes on for long, and what the process holds after each step of it: memory, files, threads and disk."""

from __future__ import annotations

import gc
import json
import os
import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import torch

from admoe_monai.audit import full_audit
from admoe_monai.data import load_datalist
from admoe_monai.data.cohorts import VisitTable, load_mapping, prepare_cohort
from admoe_monai.data.subject_digests import subject_digests
from admoe_monai.handlers import CheckpointSaver
from admoe_monai.workflows.run.run_directory import RunDirectory
from small_cohorts import write_scan_file, write_table_file
from tiny_runs import make_run

#: Growth from the first quarter behind the warm-up to the last one that is none: pages of an allocator, an open log.
SLACK = {"memory_mib": 24.0, "files": 2, "threads": 1}
Held = dict[str, float]


def held(folder: Path | None = None) -> Held:
    """What this process holds now, and the bytes of a folder."""
    gc.collect()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    now = {
        "memory_mib": int(status["VmRSS"].split()[0]) / 1024,
        "files": len(os.listdir("/proc/self/fd")),
        "threads": int(status["Threads"]),
    }
    if folder is not None:
        now["disk_mib"] = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / (1 << 20)
    return now


def peak_mib() -> float:
    """Highest memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def quarters(steps: Sequence[Held]) -> dict[str, tuple[float, float]]:
    """Medians of the first and the last quarter of what was held, behind a warm-up of a tenth.

    Args:
        steps: what was held after each step.
    """
    warm = steps[len(steps) // 10 :]
    size = max(len(warm) // 4, 1)
    return {name: (median(s[name] for s in warm[:size]), median(s[name] for s in warm[-size:])) for name in steps[0]}


def grown(steps: Sequence[Held], slack: Mapping[str, float] = SLACK) -> list[str]:
    """Name what has grown by more than a slack, one line each; nothing if all stays level."""
    return [
        f"{name} grew from {first:g} to {last:g} in {len(steps)} steps"
        for name, (first, last) in quarters(steps).items()
        if name in slack and last - first > slack[name]
    ]


def large_datalist(folder: Path, visits: int) -> dict[str, float]:
    """Prepare, load, digest and audit a datalist of so many visits, two per person; seconds per step."""
    scan = write_scan_file(folder / "scans/0.nii.gz")
    for number in range(1, visits):
        os.link(scan, folder / f"scans/{number}.nii.gz")
    rows = [
        {"ID": f"p{n // 2}", "VISIT": f"m{12 * (n % 2)}", "DAYS": 365 * (n % 2), "DX": ("CN", "MCI", "AD")[n // 2 % 3],
         "AGE": 60 + n // 2 % 30, "SCAN": n}
        for n in range(visits)
    ]  # fmt: skip
    write_table_file(folder / "t.csv", rows)
    cells = {
        name: {"column": column}
        for name, column in (("subject_id", "ID"), ("session_id", "VISIT"), ("diagnosis", "DX"))
    }
    cells["days_from_baseline"] = {"column": "DAYS", "kind": "number"}
    prior = {"age": {"column": "AGE", "role": "clinical", "kind": "continuous"}}
    (folder / "m.yaml").write_text(json.dumps({"name": "large", "visit": cells, "prior": prior}))
    seconds, path = {}, folder / "datalist.json"
    with timed(seconds, "prepare (headers)"):
        source = VisitTable(folder / "t.csv", "scans/{SCAN}.nii.gz", load_mapping(folder / "m.yaml"))
        prepare_cohort(path, source, voxels=False)
    with timed(seconds, "load"):
        datalist = load_datalist(path, None, {"diagnosis": ["CN", "MCI", "AD"]})
    with timed(seconds, "digests of people"):
        subject_digests(visit for split in datalist.splits.values() for visit in split)
    with timed(seconds, "audit without images"):
        full_audit(datalist, tasks=["diagnosis"], images=False)
    return seconds


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Measure the seconds of a block under a name."""
    start = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - start


def epochs(folder: Path, datalist: Path, count: int) -> list[Held]:
    """Train so many epochs of a tiny network, half of them pretraining, with two checkpoints kept."""
    steps: list[Held] = []
    with after_each_epoch(lambda: steps.append(held(folder))):
        plan = {"max_epochs": count, "pretrain_epochs": count // 2, "patience": 0, "keep_checkpoints": 2}
        make_run(folder, datalist, **plan, eval_interval=5, warmup_epochs=0)
    return steps


@contextmanager
def after_each_epoch(look: Callable[[], None]) -> Iterator[None]:
    """Call a function whenever an epoch has been saved, or need not be."""
    act = CheckpointSaver.__call__

    def both(self: CheckpointSaver, engine: Any) -> None:
        act(self, engine)
        look()

    with mock.patch.object(CheckpointSaver, "__call__", both):
        yield


def pruned(folder: Path, count: int) -> list[Held]:
    """Write so many checkpoints of 100 kB, of which three are kept."""
    directory = RunDirectory(folder, keep_checkpoints=3)
    directory.common = {"format_version": 1, "settings": {}, "digests": {}, "environment": {}}
    contents = {
        "iteration": 1, "epoch_length": 1, "model_state_dict": {"a": torch.zeros(25_000)}, "optimizer_state_dict": {},
        "scheduler_state_dict": {}, "best_val_acc": 0.0, "is_pretrain": True, "phase": "Pretrain (SimMIM)",
        "decoder_removed": False, "parameter_names": [], "training_state": {},
    }  # fmt: skip
    directory.open()
    steps = []
    for epoch in range(count):
        directory.save(f"checkpoint_epoch_{epoch}.pth", {**contents, "epoch": epoch})
        steps.append(held(folder))
    directory.close()
    return steps


def resumes(folder: Path, datalist: Path, count: int) -> list[Held]:
    """Resume a tiny run so many times in this process, each time for one more epoch."""
    steps: list[Held] = []
    for epoch in range(1, count + 2):
        plan: dict[str, Any] = {"max_epochs": epoch + 1, "pretrain_epochs": 1, "patience": 0, "keep_checkpoints": 2}
        further = {"resume": "auto", "extend_max_epochs": True} if epoch > 1 else {}
        make_run(folder, datalist, **plan, **further)
        steps.append(held(folder))
    return steps[1:]
