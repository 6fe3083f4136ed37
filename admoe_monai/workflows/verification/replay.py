"""Epochs of a run computed again, in a folder of their own, from a checkpoint of it or from nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from admoe_monai.checkpoints import read_checkpoint
from admoe_monai.checkpoints.digest import STATE, leaves
from admoe_monai.errors import UserError
from admoe_monai.metrics_rows import Row, read_metrics
from admoe_monai.run_files import CONFIG, DATALIST, DIGESTS, INTERRUPT, METRICS
from admoe_monai.workflows.run.environment import choose_device, environment
from admoe_monai.workflows.run.places import CACHE
from admoe_monai.workflows.settings.changes import earlier_settings
from admoe_monai.workflows.settings.declared import parser_of, resolved_settings
from admoe_monai.workflows.settings.literal_text import literal
from admoe_monai.workflows.settings.table import SETTINGS, OnResume

from .computing import compute, compute_in_processes
from .files import Deviation, original_datalist
from .record import EpochRecord, KeptState, RunRecord, read_epochs


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

    Args:
        record: Record of the run.
        epoch: Epoch, counted from 0 over the whole run.
        folder: Folder that is empty or absent, for what is computed.
        given: Settings that say where the scans are now, or on what device to compute.

    Raises:
        UserError: If the run can't be computed here.
    """
    begin, model = record.before(epoch), record.at_or_after(epoch)
    before = {} if begin is None else earlier_settings({"settings": begin.settings})
    after = earlier_settings({"settings": model.settings})
    # What the run was forced to change on its way, and what a user of another machine has to accept.
    changed = {name for name in before.keys() & SETTINGS.keys() if before[name] != after[name]}
    settings = _settings(record, model, given, folder) | {
        "run_dir": str(folder),
        "resume": None if begin is None else str(begin.path),
        "extend_max_epochs": "max_epochs" in changed,
        "force_resume": bool(
            any(SETTINGS[name].on_resume is OnResume.FORCED for name in changed)
            or (begin is not None and (begin.digests, begin.environment) != (model.digests, model.environment))
            or machine_differences(model.environment, given.get("device"))
        ),
    }
    processes = model.environment.get("world_size", 1)
    if processes == 1:
        compute(str(record.folder), settings, epoch)
    else:
        compute_in_processes(processes, str(record.folder), settings, epoch)
    known = -1 if begin is None else begin.epoch
    computed = {number: found for number, found in read_epochs(folder / DIGESTS).items() if number > known}
    deviations = list(_compare(record, computed, folder))
    if max(computed, default=-1) < epoch and not deviations:
        raise UserError(f"{record.folder}: epoch {epoch} could not be computed again; the run ended before it")
    # After an early stop, the epochs of the next phase begin further on.
    name = None if begin is None else begin.path.name
    return Replay(min(computed), max(computed), len(computed), name, deviations)


def _settings(record: RunRecord, model: KeptState, given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Collect the settings that an epoch was computed with, where the run has changed some since."""
    now, then = resolved_settings(parser_of([record.folder / CONFIG])), earlier_settings({"settings": model.settings})
    changed = {
        name: literal(then[name])
        for name, row in SETTINGS.items()
        if row.on_resume is not OnResume.IGNORED and now[name] != then[name]
    }
    machine = {"threads": model.environment.get("threads")}
    if model.environment.get("device") == "cpu":
        machine["device"] = "cpu"
    # The datalist that the run began with has its cache beside it; where it is gone, scans are preprocessed anew.
    is_there = original_datalist(record, given.get("dataset_dir")) is not None
    lost = {"datalist": str(record.folder / DATALIST), "cache_dir": str(folder.parent / CACHE)}
    own = {"datalist": str(record.states[-1].settings["datalist"])} if is_there else lost
    return {**changed, **machine, **own, **{name: value for name, value in given.items() if value is not None}}


def _compare(record: RunRecord, computed: Mapping[int, EpochRecord], folder: Path) -> Iterator[Deviation]:
    rows = {int(row["epoch"]): row for row in read_metrics(folder / METRICS)}
    for epoch, found in sorted(computed.items()):
        known = record.epochs.get(epoch)
        if known is None and epoch > record.first:
            yield Deviation(DIGESTS, f"has no record of epoch {epoch}, which the run has computed on its way")
        if known is not None:
            yield from _compare_rows(epoch, rows.get(epoch, {}), record.metrics.get(epoch, {}))
        states = [state for state in record.states if state.complete and state.epoch == epoch]
        if known is not None and found.state != known.state:
            yield Deviation(f"epoch {epoch}", f"ends with another state than the one recorded in {DIGESTS}", epoch)
        for state in states:
            if state.state != found.state:
                yield Deviation(state.path.name, _first_difference(state.path, folder / INTERRUPT, epoch), epoch)


def _compare_rows(epoch: int, computed: Row, claimed: Row) -> Iterator[Deviation]:
    for name in sorted(computed.keys() | claimed.keys()):
        mine, theirs = computed.get(name) or "", claimed.get(name) or ""
        if mine != theirs:
            yield Deviation(METRICS, f"epoch {epoch}: {name} is {theirs or 'empty'}, computed {mine or 'none'}", epoch)


def _first_difference(claimed: Path, computed: Path, epoch: int) -> str:
    """Say in which tensor or value two states differ first, and by how much."""
    other = f"holds another state than epoch {epoch} ends with"
    if not computed.exists():
        return other
    theirs, mine = (
        dict(leaves({key: contents[key] for key in STATE if key in contents}))
        for contents in (dict(read_checkpoint(path)) for path in (claimed, computed))
    )
    if mine.get("epoch") != epoch:
        return other
    differing = [name for name in theirs.keys() | mine.keys() if not _equal(theirs.get(name), mine.get(name))]
    if not differing:
        return other
    # Weights are what a reader knows by name; moments of the optimizer follow them.
    name = min(differing, key=lambda name: (not name.startswith("model_state_dict."), name))
    return f"{name} {_how(theirs.get(name), mine.get(name))}; {len(differing)} of {len(mine)} entries differ"


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return bool(type(one) is type(other) and one == other)


def _how(theirs: Any, mine: Any) -> str:
    if isinstance(theirs, torch.Tensor) and isinstance(mine, torch.Tensor) and theirs.shape == mine.shape:
        number, largest = int((theirs != mine).sum()), float((theirs.double() - mine.double()).abs().max())
        return f"differs in {number} of {mine.numel()} numbers, by {largest:.3g} at most"
    if isinstance(theirs, torch.Tensor) or isinstance(mine, torch.Tensor):
        return "is of another shape"
    return f"is {theirs}, computed {mine}"


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
