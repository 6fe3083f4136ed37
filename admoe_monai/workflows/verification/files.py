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
    STARTS,
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
    checks = (
        _states(record), _names(record), _metrics(record), _settings(record), _starts(record), _datalist(record, dataset_dir),
    )  # fmt: skip
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
    # Where a kill came between two files of one epoch, or a run is between them, a resume completes what is stale.
    unfinished = all(state.path.name != FINAL_MODEL for state in record.states)
    newest = max((state.epoch for state in record.states), default=-1)
    for state in record.states:
        name = state.path.name
        if name == FINAL_MODEL:
            if not state.is_last:
                yield Deviation(name, f"is of epoch {state.epoch}, with which no plan ends")
            continue
        epoch = promised.get(name, periodic_epoch(state.path))
        stale = unfinished and name in promised and epoch == newest
        if epoch is not None and epoch != state.epoch and not stale:
            yield Deviation(name, f"is of epoch {state.epoch}, and should be of epoch {epoch}")


def _metrics(record: RunRecord) -> Iterator[Deviation]:
    last, newest = max(record.epochs, default=-1), max(record.metrics, default=-1)
    for epoch in sorted(record.epochs.keys() | record.metrics.keys()):
        row, known = record.metrics.get(epoch), record.epochs.get(epoch)
        if known is None and (epoch < record.first or last < epoch == newest):
            continue  # of before there were digests, or of a run that was ended between the two rows
        if known is None:
            yield Deviation(METRICS, f"has a row of epoch {epoch}, of which {DIGESTS} has no record")
        elif row is None and known.metrics:
            yield Deviation(METRICS, f"lacks the row of epoch {epoch}", epoch)
        elif row is not None and row_digest(row) != known.metrics:
            yield Deviation(METRICS, f"the row of epoch {epoch} is not the one that the run wrote", epoch)


def _settings(record: RunRecord) -> Iterator[Deviation]:
    now = resolved_settings(parser_of([record.folder / CONFIG]))
    known = [earlier_settings({"settings": one.settings}) for one in record.latest]
    for name in _compared(record):
        # The command line makes tuples where a file has lists.
        if all(_text(now[name]) != _text(settings[name]) for settings in known):
            source = STARTS if record.starts else record.states[-1].path.name
            yield Deviation(CONFIG, f"{name} is {now[name]}, and {known[0][name]} in {source}")
    if overlays_digest(now["phase_overlays"]) not in (one.digests.get("phase_overlays") for one in record.latest):
        yield Deviation(OVERLAYS, "holds other phase overlays than the run was trained with")


def _starts(record: RunRecord) -> Iterator[Deviation]:
    """See whether every checkpoint was written under the settings of one of the starts, if all of them are recorded."""
    if not record.starts or record.starts[0].place != (0, 0):
        return
    known = [earlier_settings({"settings": start.settings}) for start in record.starts]
    for state in record.states:
        settings = earlier_settings({"settings": state.settings})
        for name in _compared(record):
            if all(_text(settings[name]) != _text(one[name]) for one in known):
                yield Deviation(state.path.name, f"{name} is {settings[name]}, with which no start in {STARTS} went on")


def _compared(record: RunRecord) -> list[str]:
    """List the settings to compare; without a record of its starts, a run may have changed some of them unseen."""
    unseen = () if record.starts else (OnResume.FREE, OnResume.EXTENDED)
    rows = ((name, row) for name, row in SETTINGS.items() if name not in _OF_THE_MACHINE)
    return [name for name, row in rows if not (row.on_resume in unseen or row.place or row.once)]


def _text(value: Any) -> str:
    return json.dumps(value, default=str)


def _datalist(record: RunRecord, dataset_dir: str | None) -> Iterator[Deviation]:
    cohort, prior = read_cohort(record, record.folder / DATALIST, dataset_dir)
    digest = cohort_digest(cohort)
    is_known = digest in (one.digests["datalist"] for one in record.latest)
    for state in record.states:
        # Those of before a forced change of the datalist have other statistics.
        if is_known and state.digests["datalist"] != digest:
            continue
        if json.dumps(state.prior) != json.dumps(to_plain(prior)):
            yield Deviation(state.path.name, f"has other statistics of the prior than {DATALIST}")
    if is_known:
        return
    last = record.latest[0]
    path = datalist_of(record, last.settings, last.digests, dataset_dir)
    lines = [] if path is None else _differing_visits(cohort, read_cohort(record, path, dataset_dir)[0])
    for line in lines:
        yield Deviation(DATALIST, line)
    if not lines:
        yield Deviation(DATALIST, "is not the one that the run was trained with")


def datalist_of(
    record: RunRecord, settings: Mapping[str, Any], digests: Mapping[str, str], dataset_dir: str | None
) -> Path | None:
    """Find the datalist that epochs were computed from: where it lay then, or in the run; None if neither is what it was.

    Args:
        record: Record of the run.
        settings: Settings of these epochs.
        digests: Digests of these epochs.
        dataset_dir: Folder of the scans, if they are elsewhere than the run says.
    """
    for path in (Path(settings["datalist"]), record.folder / DATALIST):
        try:
            cohort, _ = read_cohort(record, path, dataset_dir)
        except UserError:
            continue
        if cohort_digest(cohort) == digests["datalist"]:
            return path
    return None


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
