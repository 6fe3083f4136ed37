"""Epochs computed again, held against what the run claims of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from admoe_monai.checkpoints import read_checkpoint, state_digest
from admoe_monai.checkpoints.digest import STATE, leaves
from admoe_monai.metrics_rows import Row, read_metrics
from admoe_monai.run_files import DIGESTS, INTERRUPT, METRICS
from admoe_monai.workflows.run.continuation import forget

from .deviation import Deviation
from .record import EpochRecord, KeptState, RunRecord


def compare(record: RunRecord, computed: Mapping[int, EpochRecord], folder: Path) -> Iterator[Deviation]:
    """Compare epochs that were computed again with the record of the run and with its checkpoints.

    Args:
        record: Record of the run.
        computed: Records of what was computed, by epoch.
        folder: Folder that it was computed in.

    Yields:
        What differs.
    """
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
            if state.state != found.state and not _is_without_what_was_lost(record, state, folder / INTERRUPT):
                yield Deviation(state.path.name, _first_difference(state.path, folder / INTERRUPT, epoch), epoch)


def _is_without_what_was_lost(record: RunRecord, claimed: KeptState, computed: Path) -> bool:
    """Tell whether a checkpoint holds a state of which the run had to forget best scores, as far as that can be told."""
    forgotten = record.forgotten_in(claimed)
    if forgotten is None:
        return False
    contents = read_checkpoint(computed)
    if contents["epoch"] != claimed.epoch:
        return True  # on the way to another epoch: what it ended with is no longer there
    forget(contents, forgotten)
    return state_digest(contents) == claimed.state


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
