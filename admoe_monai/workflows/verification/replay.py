"""Epochs of a run computed again, in a folder of their own, from a checkpoint of it or from nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError
from admoe_monai.run_files import CONFIG, DATALIST, DIGESTS, INTERRUPT, OVERLAYS
from admoe_monai.workflows.run.environment import choose_device, environment
from admoe_monai.workflows.run.places import CACHE
from admoe_monai.workflows.settings.changes import earlier_settings
from admoe_monai.workflows.settings.declared import parser_of, resolved_settings
from admoe_monai.workflows.settings.executed import executed
from admoe_monai.workflows.settings.literal_text import literal
from admoe_monai.workflows.settings.table import SETTINGS, OnResume

from .comparing import compare
from .computing import compute, compute_in_processes
from .datalists import datalist_of
from .deviation import Deviation
from .history import OF_THE_BEGINNING, CantComputeError, Stretch, stretches
from .record import KeptState, RunRecord, read_epochs


@dataclass(frozen=True)
class Replay:
    """Epochs computed again.

    Attributes:
        first: First epoch.
        last: Last epoch; where a difference was found, that epoch.
        number: How many they are; after an early stop, fewer than their numbers say.
        begin: Name of the checkpoint that they were computed from; None for the beginning of the run.
        deviations: What differs in the last one.
    """

    first: int
    last: int
    number: int
    begin: str | None
    deviations: list[Deviation]


def replay(record: RunRecord, epoch: int, folder: Path, given: Mapping[str, Any]) -> Replay:
    """Compute a run again up to the end of an epoch, from the last checkpoint before it, and compare all of that.

    Where the run was extended or forced on its way, so is this, at the same epochs.

    Args:
        record: Record of the run.
        epoch: Epoch, counted from 0 over the whole run.
        folder: Folder that is empty or absent, for what is computed.
        given: Settings that say where the scans are now, or on what device to compute.

    Raises:
        UserError: If the run can't be computed here.
        CantComputeError: If nobody can compute that epoch again, though the run may be honest.
    """
    begin = record.before(epoch)
    before: KeptState | Stretch | None = begin
    known = -1 if begin is None else begin.epoch
    resume = None if begin is None else begin.path
    for stretch in stretches(record, begin, epoch):
        # What the run was forced to change on its way, and what a user of another machine has to accept.
        settings = stretch.settings if before is None else earlier_settings({"settings": before.settings})
        changed = {name for name in SETTINGS if settings[name] != stretch.settings[name]}
        chosen = _settings(record, stretch, given, folder, resume is None) | {
            "run_dir": str(folder),
            "resume": None if resume is None else str(resume),
            "extend_max_epochs": "max_epochs" in changed,
            "force_resume": bool(
                any(SETTINGS[name].on_resume is OnResume.FORCED for name in changed)
                or (
                    before is not None
                    and (before.digests, before.environment) != (stretch.digests, stretch.environment)
                )
                or machine_differences(stretch.environment, given.get("device"))
            ),
        }
        processes = stretch.environment.get("world_size", 1)
        if processes == 1:
            compute(str(record.folder), chosen, stretch.last, stretch.forgotten)
        else:
            compute_in_processes(processes, str(record.folder), chosen, stretch.last, stretch.forgotten)
        computed = {number: found for number, found in read_epochs(folder / DIGESTS).items() if number > known}
        deviations = list(compare(record, computed, folder))
        if deviations:
            break
        if max(computed, default=-1) < stretch.last:
            raise UserError(f"{record.folder}: epoch {epoch} could not be computed again; the run ended before it")
        before, resume = stretch, folder / INTERRUPT
    name = None if begin is None else begin.path.name
    # After an early stop, the epochs of the next phase begin further on.
    return Replay(min(computed), max(computed), len(computed), name, deviations)


def _settings(
    record: RunRecord, stretch: Stretch, given: Mapping[str, Any], folder: Path, is_beginning: bool
) -> dict[str, Any]:
    """Collect the settings that epochs were computed with, where the run has changed some since."""
    now, then = resolved_settings(parser_of([record.folder / CONFIG])), stretch.settings
    changed = {
        name: literal(then[name])
        for name, row in SETTINGS.items()
        if (row.on_resume is not OnResume.IGNORED or (is_beginning and name in OF_THE_BEGINNING))
        and now[name] != then[name]
    }
    if (foreign := next(executed(changed), None)) is not None:
        raise CantComputeError(f"its record names {foreign[1]!r} for {foreign[0]}, which {CONFIG} does not")
    machine = {"threads": stretch.environment.get("threads")}
    if stretch.environment.get("device") == "cpu":
        machine["device"] = "cpu"
    datalist = datalist_of(record, then, stretch.digests, given.get("dataset_dir"))
    if datalist is None:
        raise CantComputeError(
            f"what was computed until epoch {stretch.last} was computed from another datalist than the run has now, and "
            f"{then['datalist']} is not that one either"
        )
    own = {"datalist": str(datalist)}
    if datalist == record.folder / DATALIST:
        # The one that the run began with had its cache beside it: scans are preprocessed anew.
        own["cache_dir"] = str(folder.parent / CACHE)
    own |= {name: value for name, value in given.items() if value is not None}
    return {**changed, **_overlays(record, stretch), **machine, **own}


def _overlays(record: RunRecord, stretch: Stretch) -> dict[str, Any]:
    """Find the copies of the phase overlays that epochs were computed with, where the run has taken others since."""
    if stretch.digests.get("phase_overlays") == record.latest[0].digests.get("phase_overlays"):
        return {}
    copies = {
        phase: [str(record.folder / name) for name in names]
        for phase, names in stretch.settings["phase_overlays"].items()
    }
    if any(
        Path(name).resolve().parent != (record.folder / OVERLAYS).resolve()
        for names in copies.values()
        for name in names
    ):
        raise CantComputeError(f"its record names phase overlays that do not lie in {OVERLAYS}")
    return {"phase_overlays": literal(copies)}


def machine_differences(then: Mapping[str, Any], device: str | None) -> list[str]:
    """Compare the machine that computed a run with this one, in what decides the last bits.

    Args:
        then: Machine as checkpoints record it.
        device: Device that is asked for; None for the one that the run would take here.
    """
    now = environment(choose_device(device or ("cpu" if then.get("device") == "cpu" else None)))
    # Threads and processes are made to be as many as they were.
    names = [name for name in now if name not in ("threads", "world_size") and name in then and then[name] != now[name]]
    return [f"{name} was {then[name]}, is {now[name]}" for name in names]
