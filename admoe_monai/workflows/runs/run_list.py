"""Runs below a folder, each told in one line by its small files: torch stays unloaded and no tensor is read."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError
from admoe_monai.metrics_rows import Best, Row, best_score, lowest_loss, read_metrics
from admoe_monai.run_files import CONFIG, FINAL_MODEL, INTERRUPT, METRICS, checkpoint_files, periodic_epoch

from .run_lock import is_at_work
from .run_records import read_header, read_settings

#: Levels of folders below the one that is named.
DEPTH = 3
RUNNING, FINISHED, INTERRUPTED, STOPPED = "running", "finished", "interrupted", "stopped"
_EVENTS = "events.out.tfevents."


@dataclass(frozen=True)
class RunSummary:
    """Run in one line; what can't be told is None.

    Attributes:
        name: Path below the folder that was searched.
        folder: Run directory.
        state: Word for the state: `RUNNING` while a process has the lock, `FINISHED` if nothing is left to do, `INTERRUPTED`
            after a signal, which has saved the step that it came in, and otherwise `STOPPED`.
        phase: Key of the phase of the last completed epoch.
        epoch: Last completed epoch, counted from 0 over the whole run.
        max_epochs: Number of epochs of the plan.
        best_val_acc: Best mean selection metric, and its epoch.
        lowest_val_loss: Lowest validation loss of the phase, and its epoch.
        last_sign: Time at which a file of the run was last written, as files carry it.
        seconds: Time for which the run was at work, over all of its starts.
        problem: What keeps the run, or something about it, from being told.
    """

    name: str
    folder: Path
    state: str | None = None
    phase: str | None = None
    epoch: int | None = None
    max_epochs: int | None = None
    best_val_acc: Best | None = None
    lowest_val_loss: Best | None = None
    last_sign: datetime | None = None
    seconds: float | None = None
    problem: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON; times in ISO 8601."""
        moment = None if self.last_sign is None else self.last_sign.astimezone().isoformat(timespec="seconds")
        return {**asdict(self), "folder": str(self.folder), "last_sign": moment}


def list_runs(folder: Path) -> list[RunSummary]:
    """Find the runs in a folder, the newest first; what looks like a run and can't be read comes last.

    Args:
        folder: Folder of runs, or a run directory.

    Raises:
        UserError: If there is no such folder.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; name the one that holds the runs: admoe runs FOLDER")
    found = list(_search(folder, folder, DEPTH))
    return sorted(found, key=lambda run: run.last_sign.timestamp() if run.last_sign else 0.0, reverse=True)


def _search(top: Path, folder: Path, depth: int) -> Iterator[RunSummary]:
    name = folder.name or str(folder) if folder == top else str(folder.relative_to(top))
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
        files = {entry.name: entry for entry in entries if entry.is_file()}
        if CONFIG in files or checkpoint_files(folder):
            run = _summary(name, folder, files)
            yield run
            if run.state is not None:
                return
        below = [entry.path for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except OSError as error:
        yield RunSummary(name, folder, problem=f"{folder} can't be read: {error.strerror}")
        return
    if depth > 0:
        for path in below:
            yield from _search(top, Path(path), depth - 1)


def _summary(name: str, folder: Path, files: Mapping[str, os.DirEntry[str]]) -> RunSummary:
    try:
        settings = read_settings(folder)
    except UserError as error:
        return RunSummary(name, folder, problem=str(error))
    rows: list[Row] = []
    problem = None
    try:
        rows = read_metrics(folder / METRICS)
    except UserError as error:
        problem = str(error)
    periodic = [epoch for file in files if (epoch := periodic_epoch(Path(file))) is not None]
    epoch = int(rows[-1]["epoch"]) if rows else max(periodic, default=None)
    is_pretraining = (epoch or 0) < settings["pretrain_epochs"]
    phase = rows[-1]["phase"] if rows else "pretrain" if is_pretraining else "finetune"
    last_sign, seconds = _times(files.values())
    return RunSummary(
        name,
        folder,
        _state(folder, files, epoch, settings["max_epochs"]),
        phase,
        epoch,
        settings["max_epochs"],
        best_score(rows, str(settings.get("selection_metric"))),
        lowest_loss(rows, phase),
        last_sign,
        seconds,
        problem,
    )


def _state(folder: Path, files: Mapping[str, Any], epoch: int | None, max_epochs: int) -> str:
    if is_at_work(folder):
        return RUNNING
    if INTERRUPT in files:
        return INTERRUPTED
    if FINAL_MODEL in files and (epoch is None or epoch >= max_epochs - 1 or _ended_early(folder, epoch)):
        return FINISHED
    return STOPPED


def _ended_early(folder: Path, epoch: int) -> bool:
    """Tell an early stop from a plan that was extended after its end and has not come to the new one."""
    try:
        end = read_header(folder / FINAL_MODEL)
        return bool(end["epoch"] == epoch and end["training_state"]["stopped_early"])
    except (UserError, KeyError, TypeError):
        return False


def _times(files: Iterable[os.DirEntry[str]]) -> tuple[datetime | None, float | None]:
    """Return when a file was last written, and for how long the writers of TensorBoard's files were at work."""
    newest, seconds = None, []
    for file in files:
        written = file.stat().st_mtime
        newest = max(written, newest or written)
        # Each start of a run has such a file, with the time in its name.
        if file.name.startswith(_EVENTS):
            with contextlib.suppress(ValueError):
                seconds.append(max(0.0, written - int(file.name.removeprefix(_EVENTS).partition(".")[0])))
    last_sign = None if newest is None else datetime.fromtimestamp(newest).astimezone()
    return last_sign, sum(seconds) if seconds else None
