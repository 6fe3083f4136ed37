"""Verification of a run: its files against its record, then some of its epochs computed again."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError
from admoe_monai.run_files import CONFIG, DATALIST, OVERLAYS

from .deviation import Deviation
from .files import check_files
from .history import CantComputeError
from .record import RunRecord, read_record
from .replay import Replay, machine_differences, replay
from .weights import FirstWeights, check_weights, first_weights


@dataclass
class Verification:
    """What was found.

    Attributes:
        record: Record of the run.
        machine: Machine that computed the run, as its last checkpoint says.
        machine_differs: Differences of this one.
        deviations: Differences of the files to their record, and of epochs to what was computed again.
        replays: Epochs that were computed again.
        weights: What was found of the file of weights that the run began with; None if it drew its weights itself.
        left_out: Why each epoch that should have been computed again was not.
        not_replayed: Why none was, if the reason is one for all.
    """

    record: RunRecord
    machine: Mapping[str, Any]
    machine_differs: list[str]
    deviations: list[Deviation]
    replays: list[Replay] = field(default_factory=list)
    weights: FirstWeights | None = None
    left_out: list[str] = field(default_factory=list)
    not_replayed: str = ""


def verify(
    run_dir: Path,
    epochs: Sequence[int] | None = None,
    number: int = 1,
    given: Mapping[str, Any] | None = None,
    progress: Any = iter,
) -> Verification:
    """Compare a run with its own record, and compute some of its epochs again, in a folder that is deleted afterwards.

    Epochs whose files differ from their record are among these, for only their computation tells what was altered.

    Args:
        run_dir: Run directory; nothing is written into it.
        epochs: Epochs to compute again; None for random ones.
        number: Number of random ones.
        given: Settings that say where scans, or the weights that the run began with, are now, or on what device to compute.
        progress: Function that the list of checkpoints goes through, for a bar.

    Raises:
        UserError: If the folder holds no run with a record, or the run can't be computed here.
    """
    record, given = read_record(run_dir, progress), given or {}
    unknown = sorted(set(epochs or ()) - record.epochs.keys())
    if unknown:
        raise UserError(f"{run_dir} has no record of epoch {unknown[0]}; it has some of {_range(record)}")
    found = Verification(
        record,
        record.states[-1].environment,
        machine_differences(record.states[-1].environment, given.get("device")),
        check_files(record, given.get("dataset_dir")),
        weights=first_weights(record, given),
    )
    found.deviations += check_weights(record, found.weights)
    altered = {deviation.place for deviation in found.deviations} & {CONFIG, DATALIST, OVERLAYS}
    if altered:
        found.not_replayed = f"with another {' and '.join(sorted(altered))} the epochs would be others"
        return found
    if epochs is None:
        epochs = random.SystemRandom().sample(sorted(record.epochs), min(number, len(record.epochs)))
    wanted = {*epochs, *(deviation.epoch for deviation in found.deviations if deviation.epoch in record.epochs)}
    with tempfile.TemporaryDirectory(prefix="admoe_verify_") as folder:
        # The later ones first: on the way to them others are computed.
        for epoch in sorted((epoch for epoch in wanted if epoch is not None), reverse=True):
            if any(done.first <= epoch <= done.last for done in found.replays):
                continue
            try:
                if record.before(epoch) is None and found.weights is not None and not found.weights.is_as_recorded:
                    raise CantComputeError(
                        f"the weights that the run began with are needed for it: {found.weights.name}"
                    )
                found.replays.append(replay(record, epoch, Path(folder) / f"epoch_{epoch}", given))
                found.deviations += found.replays[-1].deviations
            except CantComputeError as reason:
                found.left_out.append(f"epoch {epoch}: {reason}")
    return found


def _range(record: RunRecord) -> str:
    return f"{min(record.epochs)} to {max(record.epochs)}" if record.epochs else "none"
