"""The files of a run against its own record: nothing is computed for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from admoe_monai.data import Datalist
from admoe_monai.data.visits import SPLITS
from admoe_monai.errors import UserError
from admoe_monai.metrics_rows import row_digest
from admoe_monai.run_files import CONFIG, DATALIST, DIGESTS, METRICS
from admoe_monai.workflows.run.cohort import cohort_digest, load_cohort
from admoe_monai.workflows.settings.changes import earlier_settings
from admoe_monai.workflows.settings.declared import parser_of, resolved_settings
from admoe_monai.workflows.settings.table import SETTINGS, OnResume

from .record import RunRecord

#: Rules of settings that decide what is computed: their values stand in every checkpoint.
_OF_THE_PLAN = (OnResume.NEVER, OnResume.FORCED, OnResume.EXTENDED)


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
    return [*found, *_states(record), *_metrics(record), *_settings(record), *_datalist(record, dataset_dir)]


def _states(record: RunRecord) -> Iterator[Deviation]:
    for state in record.states:
        if not state.complete:
            continue
        if state.epoch not in record.epochs:
            yield Deviation(state.path.name, f"is of epoch {state.epoch}, of which {DIGESTS} has no record")
        elif not record.holds_record(state):
            yield Deviation(
                state.path.name, f"does not hold the state that epoch {state.epoch} ended with", state.epoch
            )


def _metrics(record: RunRecord) -> Iterator[Deviation]:
    for epoch in sorted(record.epochs.keys() | record.metrics.keys()):
        row, known = record.metrics.get(epoch), record.epochs.get(epoch)
        if known is None:
            yield Deviation(METRICS, f"has a row of epoch {epoch}, of which {DIGESTS} has no record")
        elif row is None and known.metrics:
            yield Deviation(METRICS, f"lacks the row of epoch {epoch}", epoch)
        elif row is not None and row_digest(row) != known.metrics:
            yield Deviation(METRICS, f"the row of epoch {epoch} is not the one that the run wrote", epoch)


def _settings(record: RunRecord) -> Iterator[Deviation]:
    now = resolved_settings(parser_of([record.folder / CONFIG]))
    before = earlier_settings({"settings": record.states[-1].settings})
    for name, row in SETTINGS.items():
        # What follows from the data is filled in when a run begins, and stands in both then.
        if row.on_resume in _OF_THE_PLAN and now[name] != before[name]:
            yield Deviation(CONFIG, f"{name} is {now[name]}, and {before[name]} in {record.states[-1].path.name}")


def _datalist(record: RunRecord, dataset_dir: str | None) -> Iterator[Deviation]:
    recorded = record.states[-1].digests["datalist"]
    cohort = _cohort(record, record.folder / DATALIST, dataset_dir)
    if cohort_digest(cohort) == recorded:
        return
    lines = _differing_visits(record, cohort, recorded, dataset_dir)
    for line in lines:
        yield Deviation(DATALIST, line)
    if not lines:
        yield Deviation(DATALIST, "is not the one that the run was trained with")


def _cohort(record: RunRecord, path: Path, dataset_dir: str | None) -> Datalist:
    given = {"datalist": str(path), **({} if dataset_dir is None else {"dataset_dir": dataset_dir})}
    settings = resolved_settings(parser_of([record.folder / CONFIG], given))
    return load_cohort(settings)[0]


def _differing_visits(record: RunRecord, cohort: Datalist, recorded: str, dataset_dir: str | None) -> list[str]:
    """Compare with the datalist that the run was started with, if that is still there and as it was."""
    try:
        origin = _cohort(record, Path(record.states[-1].settings["datalist"]), dataset_dir)
    except UserError:
        return []
    if cohort_digest(origin) != recorded:
        return []
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
