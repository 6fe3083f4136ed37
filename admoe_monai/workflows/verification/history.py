"""Under what a run computed its epochs: stretches of them that have settings, data and machine in common."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from admoe_monai.workflows.run.starts import RunStart
from admoe_monai.workflows.settings.changes import as_recorded, earlier_settings
from admoe_monai.workflows.settings.table import SETTINGS, OnResume

from .record import KeptState, RunRecord

#: What of a machine a run goes on with unless it is forced to another.
_MACHINE = ("device", "threads", "world_size")
#: Settings that no resume compares, and that decide what the beginning of a run is computed from.
OF_THE_BEGINNING = ("pretrained", "expert_noise", "left_out_labels")
#: Settings whose values within an epoch don't matter: they count at its end.
_AT_THE_END = frozenset(name for name, row in SETTINGS.items() if row.on_resume is OnResume.FREE)


class CantComputeError(Exception):
    """Epochs of an honest run that can't be computed again, and why."""


@dataclass(frozen=True)
class Stretch:
    """Epochs that were computed under the same settings, from the same data, on the same machine.

    Attributes:
        last: Last epoch.
        settings: Settings, as this version spells them.
        digests: Digests of what these point to.
        environment: Machine.
        forgotten: Names of the best scores that the run forgot before the first epoch, as their files were lost.
    """

    last: int
    settings: Mapping[str, Any]
    digests: Mapping[str, str]
    environment: Mapping[str, Any]
    forgotten: Sequence[str]


def stretches(record: RunRecord, begin: KeptState | None, epoch: int) -> list[Stretch]:
    """Divide the epochs after a checkpoint into stretches.

    Args:
        record: Record of the run.
        begin: Checkpoint; None for the beginning of the run.
        epoch: Last epoch, of which there is a record.

    Raises:
        CantComputeError: If the plan changed within one of the epochs.
    """
    before = -1 if begin is None else begin.epoch
    starts = _starts(record, epoch)
    for one, next_one in itertools.pairwise(starts):
        changed = _changed(one, next_one, _AT_THE_END) if next_one.steps and before < next_one.epoch <= epoch else []
        if changed:
            raise CantComputeError(
                f"a resume in the middle of epoch {next_one.epoch} changed {', '.join(changed)}: from a checkpoint "
                "before it, that epoch can't be computed again, nor what follows"
            )
    found: list[Stretch] = []
    responsible: RunStart | None = None
    # After an early stop, the numbers of the epochs that were left out belong to no stretch.
    for number in sorted(known for known in record.epochs if before < known <= epoch):
        start = [start for start in starts if start.epoch <= number][-1]
        forgotten = [score for s in starts if before < s.epoch <= number for score in s.forgotten]
        if responsible is not None and not forgotten and not _changed(responsible, start):
            found[-1] = dataclasses.replace(found[-1], last=number)
        else:
            settings = earlier_settings({"settings": start.settings})
            found.append(Stretch(number, settings, start.digests, start.environment, forgotten))
        responsible, before = start, number
    return found


def in_force(starts: Sequence[RunStart]) -> list[RunStart]:
    """Leave out the starts all of whose work was done again later, after a kill or from an older checkpoint.

    Args:
        starts: Starts in the order of time.

    Returns:
        The others in the order of the run.
    """
    kept: list[RunStart] = []
    for start in starts:
        while kept and kept[-1].place >= start.place:
            undone = kept.pop()
            if (undone.place, undone.state) == (start.place, start.state):
                # It went on from what that one had left behind.
                start = dataclasses.replace(start, forgotten=[*dict.fromkeys([*undone.forgotten, *start.forgotten])])
        kept.append(start)
    return kept


def _starts(record: RunRecord, epoch: int) -> list[RunStart]:
    """Complete the starts by one from the beginning, where there is no record of it: the checkpoints after it know most."""
    starts = in_force(record.starts)
    if starts and starts[0].place == (0, 0):
        return starts
    model = record.at_or_after(min(epoch, starts[0].epoch - 1) if starts else epoch)
    first = RunStart(-1, 0, 0, None, [], None, model.settings, model.digests, model.environment)
    return [first, *starts]


def _changed(one: RunStart, other: RunStart, but: Collection[str] = ()) -> list[str]:
    """Name what differs between two starts in settings, data and machine."""
    found = []
    for kind, names in (("settings", None), ("digests", None), ("environment", _MACHINE)):
        mine, theirs = (_conditions(start, kind) for start in (one, other))
        keys = sorted(mine.keys() | theirs.keys()) if names is None else names
        found += [
            name for name in keys if name not in but and as_recorded(mine.get(name)) != as_recorded(theirs.get(name))
        ]
    return [*dict.fromkeys(found)]


def _conditions(start: RunStart, kind: str) -> Mapping[str, Any]:
    if kind != "settings":
        conditions: Mapping[str, Any] = getattr(start, kind)
        return conditions
    settings = earlier_settings({"settings": start.settings})
    return {name: settings[name] for name, row in SETTINGS.items() if row.on_resume is not OnResume.IGNORED}
