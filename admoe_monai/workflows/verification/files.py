"""The files of a run against its own record: nothing is computed for it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from admoe_monai.checkpoints import to_plain
from admoe_monai.data import Datalist
from admoe_monai.data.visits import SPLITS
from admoe_monai.errors import UserError
from admoe_monai.metrics_rows import row_digest
from admoe_monai.run_files import (
    BEST_FINETUNE,
    BEST_MODEL,
    BEST_PRETRAIN,
    CONFIG,
    DATALIST,
    DIGESTS,
    FINAL_MODEL,
    INTERRUPT,
    METRICS,
    OVERLAYS,
    periodic_epoch,
)
from admoe_monai.workflows.run.cohort import cohort_digest, load_cohort
from admoe_monai.workflows.settings.changes import earlier_settings
from admoe_monai.workflows.settings.declared import parser_of, resolved_settings
from admoe_monai.workflows.settings.overlays import overlays_digest
from admoe_monai.workflows.settings.table import SETTINGS, OnResume

from .record import RunRecord

#: Settings that say on what machine to compute, which is looked at apart.
_OF_THE_MACHINE = ("device", "threads")


@dataclass(frozen=True)
class Deviation:
    """Difference between what a run says and what it is.

    Attributes:
        place: File, and where in it.
        problem: What is not as it was, in words.
        epoch: Epoch that it is of, if of one.
    """

    place: str
    problem: str
    epoch: int | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}"


def check_files(record: RunRecord, dataset_dir: str | None = None) -> list[Deviation]:
    """Compare checkpoints, metrics, settings and datalist with what the run has recorded.

    Args:
        record: Record of the run.
        dataset_dir: Folder of the scans, if they are elsewhere than the run says.

    Raises:
        UserError: If config or datalist can't be read, or scans are not where they should be.
    """
    found = [Deviation(name, problem) for name, problem in record.damaged.items()]
    checks = (_states(record), _names(record), _metrics(record), _settings(record), _datalist(record, dataset_dir))
    return [*found, *itertools.chain(*checks)]


def _states(record: RunRecord) -> Iterator[Deviation]:
    for state in record.states:
        if not state.complete:
            if state.path.name != INTERRUPT:
                yield Deviation(state.path.name, "is of the middle of an epoch")
        elif state.epoch < record.first:
            continue
        elif state.epoch not in record.epochs:
            yield Deviation(state.path.name, f"is of epoch {state.epoch}, of which {DIGESTS} has no record")
        elif not record.holds_record(state):
            yield Deviation(
                state.path.name, f"does not hold the state that epoch {state.epoch} ended with", state.epoch
            )


def _names(record: RunRecord) -> Iterator[Deviation]:
    """See whether files are of the epochs that their names promise; which are the best, the last state of a phase knows."""
    phases = {state.is_finetuning: state for state in record.states if record.can_begin(state)}
    promised: dict[str, int] = {}
    for is_finetuning, last in phases.items():
        names = (BEST_FINETUNE, BEST_MODEL) if is_finetuning else (BEST_PRETRAIN,)
        promised |= dict(zip(names, last.best, strict=False))
    for state in record.states:
        name = state.path.name
        if name == FINAL_MODEL:
            if not state.is_last:
                yield Deviation(name, f"is of epoch {state.epoch}, with which no plan ends")
            continue
        epoch = promised.get(name, periodic_epoch(state.path))
        if epoch is not None and epoch != state.epoch:
            yield Deviation(name, f"is of epoch {state.epoch}, and should be of epoch {epoch}")


def _metrics(record: RunRecord) -> Iterator[Deviation]:
    last = max(record.epochs, default=-1)
    for epoch in sorted(record.epochs.keys() | record.metrics.keys()):
        row, known = record.metrics.get(epoch), record.epochs.get(epoch)
        if known is None and (epoch < record.first or epoch == last + 1):
            continue  # of before there were digests, or of a run that was ended between the two rows
        if known is None:
            yield Deviation(METRICS, f"has a row of epoch {epoch}, of which {DIGESTS} has no record")
        elif row is None and known.metrics:
            yield Deviation(METRICS, f"lacks the row of epoch {epoch}", epoch)
        elif row is not None and row_digest(row) != known.metrics:
            yield Deviation(METRICS, f"the row of epoch {epoch} is not the one that the run wrote", epoch)


def _settings(record: RunRecord) -> Iterator[Deviation]:
    last = record.states[-1]
    now, before = resolved_settings(parser_of([record.folder / CONFIG])), earlier_settings({"settings": last.settings})
    for name, row in SETTINGS.items():
        # A run that was just resumed may have others of those that are free, or more epochs, and no checkpoint yet.
        free = row.on_resume in (OnResume.FREE, OnResume.EXTENDED)
        if free or row.place or row.once or name in _OF_THE_MACHINE:
            continue
        # The command line makes tuples where a file has lists.
        if json.dumps(now[name], default=str) != json.dumps(before[name], default=str):
            yield Deviation(CONFIG, f"{name} is {now[name]}, and {before[name]} in {last.path.name}")
    if overlays_digest(now["phase_overlays"]) != last.digests.get("phase_overlays"):
        yield Deviation(OVERLAYS, "holds other phase overlays than the run was trained with")


def _datalist(record: RunRecord, dataset_dir: str | None) -> Iterator[Deviation]:
    recorded = record.states[-1].digests["datalist"]
    cohort, prior = read_cohort(record, record.folder / DATALIST, dataset_dir)
    for state in record.states:
        if json.dumps(state.prior) != json.dumps(to_plain(prior)):
            yield Deviation(state.path.name, f"has other statistics of the prior than {DATALIST}")
    if cohort_digest(cohort) == recorded:
        return
    origin = original_datalist(record, dataset_dir)
    lines = [] if origin is None else _differing_visits(cohort, origin)
    for line in lines:
        yield Deviation(DATALIST, line)
    if not lines:
        yield Deviation(DATALIST, "is not the one that the run was trained with")


def original_datalist(record: RunRecord, dataset_dir: str | None) -> Datalist | None:
    """Read the datalist that the run was started with; None if it is not there, or not what it was."""
    last = record.states[-1]
    try:
        origin, _ = read_cohort(record, Path(last.settings["datalist"]), dataset_dir)
    except UserError:
        return None
    return origin if cohort_digest(origin) == last.digests["datalist"] else None


def read_cohort(record: RunRecord, path: Path, dataset_dir: str | None) -> tuple[Datalist, list[dict[str, Any]]]:
    """Read a datalist as the run did, and the statistics of the prior columns in use.

    Args:
        record: Record of the run.
        path: Path of the datalist.
        dataset_dir: Folder of the scans, if they are elsewhere than the run says.

    Raises:
        UserError: If it can't be read.
    """
    given = {"datalist": str(path), **({} if dataset_dir is None else {"dataset_dir": dataset_dir})}
    settings = resolved_settings(parser_of([record.folder / CONFIG], given))
    return load_cohort(settings)


def _differing_visits(cohort: Datalist, origin: Datalist) -> list[str]:
    lines = []
    for split in SPLITS:
        mine, theirs = (_by_name(c.splits[split]) for c in (cohort, origin))
        for name in sorted(mine.keys() | theirs.keys()):
            if name not in mine or name not in theirs:
                lines.append(f"{split} {'lacks' if name not in mine else 'has another visit,'} {name}")
                continue
            fields = mine[name].keys() | theirs[name].keys()
            other = [f for f in sorted(fields - {"image", "mask"}) if mine[name].get(f) != theirs[name].get(f)]
            lines += [f"{split}, {name}: {f} is {mine[name].get(f)}, was {theirs[name].get(f)}" for f in other]
    return lines


def _by_name(visits: list[Any]) -> dict[str, Mapping[str, Any]]:
    return {f"{visit['subject_id']} {visit['session_id'] or ''}".strip(): visit for visit in visits}
