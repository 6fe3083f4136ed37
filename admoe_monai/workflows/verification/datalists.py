"""The datalist of a run against the one that it was trained with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from admoe_monai.checkpoints import to_plain
from admoe_monai.data import Datalist
from admoe_monai.data.visits import SPLITS
from admoe_monai.errors import UserError
from admoe_monai.run_files import CONFIG, DATALIST
from admoe_monai.workflows.run.cohort import cohort_digest, load_cohort
from admoe_monai.workflows.settings.declared import parser_of, resolved_settings

from .deviation import Deviation
from .record import RunRecord


def check_datalist(record: RunRecord, dataset_dir: str | None) -> Iterator[Deviation]:
    """Compare the datalist, and the statistics in the checkpoints, with those that the run was trained with.

    Args:
        record: Record of the run.
        dataset_dir: Folder of the scans, if they are elsewhere than the run says.

    Yields:
        What differs, visit by visit where the original is at hand.
    """
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
