"""The files of a run against its own record: nothing is computed for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from admoe_monai.metrics_rows import row_digest
from admoe_monai.run_files import (
    BEST_FINETUNE,
    BEST_MODEL,
    BEST_PRETRAIN,
    CONFIG,
    DIGESTS,
    FINAL_MODEL,
    INTERRUPT,
    METRICS,
    OVERLAYS,
    STARTS,
    periodic_epoch,
)
from admoe_monai.workflows.settings.changes import as_recorded, earlier_settings
from admoe_monai.workflows.settings.declared import parser_of, resolved_settings
from admoe_monai.workflows.settings.overlays import overlays_digest
from admoe_monai.workflows.settings.table import SETTINGS, OnResume

from .datalists import check_datalist
from .deviation import Deviation
from .record import RunRecord

#: Settings that say on what machine to compute, which is looked at apart.
_OF_THE_MACHINE = ("device", "threads")


def check_files(record: RunRecord, dataset_dir: str | None = None) -> list[Deviation]:
    """Compare checkpoints, metrics, settings and datalist with what the run has recorded.

    Args:
        record: Record of the run.
        dataset_dir: Folder of the scans, if they are elsewhere than the run says.

    Raises:
        UserError: If config or datalist can't be read, or scans are not where they should be.
    """
    found = [Deviation(name, problem) for name, problem in record.damaged.items()]
    checks = (_states, _names, _metrics, _settings, _starts)
    return [*found, *itertools.chain(*(check(record) for check in checks)), *check_datalist(record, dataset_dir)]


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
    promised = _best_files(record)
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


def _best_files(record: RunRecord) -> dict[str, int]:
    """Return the epochs of the best files, by their names, as the last state of each phase knows them."""
    phases = {state.is_finetuning: state for state in record.states if record.can_begin(state)}
    best: dict[str, int] = {}
    for is_finetuning, last in phases.items():
        names = (BEST_FINETUNE, BEST_MODEL) if is_finetuning else (BEST_PRETRAIN,)
        best |= dict(zip(names, last.best, strict=False))
    return best


def absent_files(record: RunRecord) -> list[str]:
    """Say which of the best files are not there: a run may be published without some, but they were compared with nothing.

    Args:
        record: Record of the run.
    """
    there = {*record.damaged, *(state.path.name for state in record.states)}
    return [
        f"{name}, of epoch {epoch}" for name, epoch in _best_files(record).items() if epoch >= 0 and name not in there
    ]


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
        if all(as_recorded(now[name]) != as_recorded(settings[name]) for settings in known):
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
            if all(as_recorded(settings[name]) != as_recorded(one[name]) for one in known):
                yield Deviation(state.path.name, f"{name} is {settings[name]}, with which no start in {STARTS} went on")


def _compared(record: RunRecord) -> list[str]:
    """List the settings to compare; without a record of its starts, a run may have changed some of them unseen."""
    unseen = () if record.starts else (OnResume.FREE, OnResume.EXTENDED)
    rows = ((name, row) for name, row in SETTINGS.items() if name not in _OF_THE_MACHINE)
    return [name for name, row in rows if not (row.on_resume in unseen or row.place or row.once)]
