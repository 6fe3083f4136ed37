"""What a run has recorded of itself: digests per epoch, rows of metrics, and the states that its checkpoints hold."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from admoe_monai.checkpoints import CheckpointError, is_complete, position, read_checkpoint, state_digest
from admoe_monai.errors import UserError
from admoe_monai.metrics_rows import Row, read_metrics
from admoe_monai.run_files import CONFIG, DIGESTS, METRICS, STARTS, checkpoint_files, periodic_epoch
from admoe_monai.workflows.run.starts import RunStart, read_starts


@dataclass(frozen=True)
class EpochRecord:
    """Row of digests.csv.

    Attributes:
        state: Digest of the training state that the epoch ended with.
        metrics: Digest of its row of metrics.csv; empty if it had none.
    """

    state: str
    metrics: str


@dataclass(frozen=True)
class KeptState:
    """Checkpoint of a run, without its tensors.

    Attributes:
        path: The file.
        place: Where in the run it stands, as `position`; among files of one place, periodic ones are last.
        complete: Whether it stands at the end of that epoch.
        state: Digest of the training state that it holds.
        best: Epochs of the best validations that it knows of: lowest loss, highest selection metric; -1 for none.
        is_last: Whether its plan ends with it.
        prior: Statistics of the prior columns that it was trained with.
        settings: Settings that it was written under.
        digests: Digests of what these point to.
        environment: Machine that wrote it.
        origin: Where the weights are from that the run began with; None for weights that it drew itself.
    """

    path: Path
    place: tuple[int, bool, int, bool]
    complete: bool
    state: str
    best: tuple[int, int]
    is_last: bool
    prior: Sequence[Mapping[str, Any]]
    settings: Mapping[str, Any]
    digests: Mapping[str, str]
    environment: Mapping[str, Any]
    origin: Mapping[str, Any] | None

    @property
    def epoch(self) -> int:
        """Return the last completed epoch."""
        return self.place[0]

    @property
    def is_finetuning(self) -> bool:
        """Tell whether it is of finetuning."""
        return self.place[1]


@dataclass(frozen=True)
class RunRecord:
    """Everything that a run has recorded of itself.

    Attributes:
        folder: Run directory.
        epochs: Records by epoch.
        metrics: Rows of metrics.csv by epoch.
        states: Checkpoints, in the order of their places.
        damaged: What is wrong with each file that can't be read as it is, by its name.
        starts: Starts of the run in the order of time; none of a run that an older version made.
    """

    folder: Path
    epochs: Mapping[int, EpochRecord]
    metrics: Mapping[int, Row]
    states: Sequence[KeptState]
    damaged: Mapping[str, str]
    starts: Sequence[RunStart] = ()

    @property
    def first(self) -> int:
        """Return the first epoch that there is a record of; a run that an older version began has none of those before."""
        return min(self.epochs, default=0)

    def holds_record(self, state: KeptState) -> bool:
        """Tell whether a checkpoint holds what its epoch ended with, or that without the best scores whose files were lost."""
        if not state.complete or state.epoch not in self.epochs:
            return False
        return state.state == self.epochs[state.epoch].state or self.forgotten_in(state) is not None

    def forgotten_in(self, state: KeptState) -> Sequence[str] | None:
        """Find the best scores that a start had forgotten when it went on from a state; None if none went on from it so."""
        went_on = (
            s for s in self.starts if s.forgotten and (s.after, s.steps, s.state) == (state.epoch, 0, state.state)
        )
        return next((start.forgotten for start in went_on), None)

    def can_begin(self, state: KeptState) -> bool:
        """Tell whether epochs can be computed from a checkpoint: one as recorded, or older than the record."""
        return state.complete and (self.holds_record(state) or state.epoch < self.first)

    def before(self, epoch: int) -> KeptState | None:
        """Find the last checkpoint that an epoch can be computed from, as far as there is a record of it."""
        return max(
            (state for state in self.states if state.epoch < epoch and self.can_begin(state)),
            key=lambda state: state.place,
            default=None,
        )

    @property
    def latest(self) -> Sequence[RunStart | KeptState]:
        """Return what knows the settings and data that the run has now: its last start, its last checkpoint.

        A start that a kill has ended at once has written nothing else, so either may be the one.
        """
        return [*self.starts[-1:], self.states[-1]]

    def at_or_after(self, epoch: int) -> KeptState:
        """Find the checkpoint whose settings and machine an epoch was computed with."""
        return next((state for state in self.states if state.epoch >= epoch), self.states[-1])


def read_record(folder: Path, progress: Any = iter) -> RunRecord:
    """Read what a run has recorded; every checkpoint is read whole, one at a time.

    Args:
        folder: Run directory.
        progress: Function that the list of checkpoints goes through, for a bar.

    Raises:
        UserError: If the folder holds no run, or one without a record.
    """
    if not (folder / CONFIG).is_file():
        what = f"{folder} holds no run: it has no {CONFIG}" if folder.is_dir() else f"there is no folder {folder}"
        raise UserError(f"{what}; `admoe runs FOLDER` lists the runs of a folder")
    epochs = read_epochs(folder / DIGESTS)
    states: list[KeptState] = []
    damaged: dict[str, str] = {}
    for path in progress(checkpoint_files(folder)):
        try:
            states.append(_state(path))
        except CheckpointError as error:
            damaged[path.name] = str(error)
    if not states:
        raise UserError(f"{folder} has no checkpoint that can be read: there is nothing to compute its epochs from")
    rows = read_metrics(folder / METRICS)
    numbers = [int(row["epoch"]) for row in rows]
    if numbers != sorted(set(numbers)):
        damaged[METRICS] = "has rows of one epoch twice, or out of order"
    metrics = dict(zip(numbers, rows, strict=True))
    try:
        starts = read_starts(folder / STARTS)
    except UserError as error:
        starts, damaged[STARTS] = [], str(error)
    return RunRecord(folder, epochs, metrics, sorted(states, key=lambda state: state.place), damaged, starts)


def _state(path: Path) -> KeptState:
    contents = read_checkpoint(path)
    return KeptState(
        path,
        (*position(contents), periodic_epoch(path) is not None),
        is_complete(contents),
        state_digest(contents),
        (contents["training_state"]["best_loss_epoch"], contents["training_state"]["best_val_acc_epoch"]),
        contents["training_state"]["stopped_early"] or contents["epoch"] == contents["settings"]["max_epochs"] - 1,
        contents.get("prior") or [],
        contents["settings"],
        contents["digests"],
        contents["environment"],
        contents.get("origin"),
    )


def read_epochs(path: Path) -> dict[int, EpochRecord]:
    """Read the records of the epochs.

    Args:
        path: File digests.csv of the run.

    Raises:
        UserError: If it is absent or damaged.
    """
    epochs: dict[int, EpochRecord] = {}
    try:
        with open(path, encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file, restval=""), start=2):
                if not (row.get("epoch") or "").isdecimal() or "state" not in row or "metrics" not in row:
                    raise UserError(f"{path}, line {number}: not the record of an epoch")
                if int(row["epoch"]) <= max(epochs, default=-1):
                    raise UserError(f"{path}, line {number}: an epoch that stands before, or later, already")
                epochs[int(row["epoch"])] = EpochRecord(row["state"], row["metrics"])
    except FileNotFoundError:
        raise UserError(
            f"{path} is not there: the run was made by a version that recorded no digests, or has not ended its first epoch"
        ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} can't be read: {error}") from error
    return epochs
