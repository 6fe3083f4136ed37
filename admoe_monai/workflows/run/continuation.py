"""Files that a run needs to go on from a checkpoint: those of its epoch, the best ones known then, and the metrics."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from admoe_monai.checkpoints import Checkpoint, CheckpointError, is_complete, read_checkpoint, write_checkpoint
from admoe_monai.errors import UserError
from admoe_monai.handlers import Cadence, TrainingState
from admoe_monai.metrics_rows import read_table, write_table
from admoe_monai.run_files import BEST_FINETUNE, BEST_MODEL, BEST_PRETRAIN, DIGESTS, INTERRUPT, METRICS, periodic

logger = logging.getLogger(__name__)


#: Best files of each phase, with the score of the training state that each is of.
_SCORES = {True: {BEST_PRETRAIN: "best_loss"}, False: {BEST_FINETUNE: "best_loss", BEST_MODEL: "best_val_acc"}}

#: Tables with a row per epoch.
TABLES = (METRICS, DIGESTS)

#: Names of these scores in the training state.
SCORES = tuple({score for scores in _SCORES.values() for score in scores.values()})


def missing_best(checkpoint: Checkpoint, source: Path, folder: Path) -> dict[str, Checkpoint | None]:
    """Find what the best files have to hold that are not in the folder, or are of another epoch; nothing is written.

    Args:
        checkpoint: Checkpoint from which the run goes on.
        source: Folder of the checkpoint.
        folder: Folder of the run.

    Returns:
        Contents by the name of the file; None where they are lost.
    """
    missing: dict[str, Checkpoint | None] = {}
    for name, score in _SCORES[checkpoint["is_pretrain"]].items():
        epoch = checkpoint["training_state"][f"{score}_epoch"]
        if epoch >= 0 and _of_epoch(folder / name, epoch) is None:
            # The best file may have been replaced since; a periodic file of its epoch holds the same.
            candidates = (_of_epoch(source / file, epoch) for file in (name, periodic(epoch)))
            missing[name] = _if_of_epoch(checkpoint, epoch) or next((c for c in candidates if c is not None), None)
    return missing


def forget_lost(checkpoint: Checkpoint, missing: Mapping[str, Checkpoint | None]) -> list[str]:
    """Have a checkpoint forget the best scores whose files are lost, with a warning.

    Args:
        checkpoint: Checkpoint from which the run goes on; changed in place.
        missing: As `missing_best` returns it.

    Returns:
        Names of the scores that are forgotten.
    """
    scores = _SCORES[checkpoint["is_pretrain"]]
    lost = [name for name, contents in missing.items() if contents is None]
    for name in lost:
        logger.warning(
            "%s of epoch %d is no longer at hand: the best is looked for anew, so the run is not exact",
            name,
            checkpoint["training_state"][f"{scores[name]}_epoch"],
        )
    forget(checkpoint, [scores[name] for name in lost])
    return [scores[name] for name in lost]


def forget(checkpoint: Checkpoint, scores: Iterable[str]) -> None:
    """Have a checkpoint forget best scores, as the run did that went on from it without their files.

    Args:
        checkpoint: Contents of the checkpoint; changed in place.
        scores: Names of the scores.
    """
    state = TrainingState()
    state.load_state_dict(checkpoint["training_state"])
    for score in scores:
        state.forget(score)
    checkpoint["training_state"] = state.state_dict()
    checkpoint["best_val_acc"] = state.best_val_acc


def complete_files(
    checkpoint: Checkpoint,
    missing: Mapping[str, Checkpoint | None],
    source: Path,
    folder: Path,
    save_interval: int,
    phase_end: int,
) -> None:
    """Write what a kill kept from being written, or what a run takes along into a new folder.

    A kill between two files of one epoch leaves some of them stale, and the continuation begins after that epoch.

    Args:
        checkpoint: Checkpoint from which the run goes on.
        missing: As `missing_best` returns it; what is lost is left out.
        source: Folder of the checkpoint.
        folder: Folder of the run, locked by this process.
        save_interval: Interval of the continuation, in epochs.
        phase_end: Epoch after the last one of the checkpoint's phase.
    """
    if not checkpoint["is_pretrain"]:
        _take_along(source / BEST_PRETRAIN, folder)
    for name, best in missing.items():
        if best is not None:
            write_checkpoint(folder / name, best)
    own = _own_name(checkpoint, Cadence(save_interval, phase_end - 1))
    if own is not None and _read(folder / own) is None:
        write_checkpoint(folder / own, checkpoint)
    if source.resolve() != folder.resolve():
        take_rows_along(source, folder, checkpoint["epoch"])


def _if_of_epoch(checkpoint: Checkpoint, epoch: int) -> Checkpoint | None:
    return checkpoint if checkpoint["epoch"] == epoch and is_complete(checkpoint) else None


def _of_epoch(path: Path, epoch: int) -> Checkpoint | None:
    contents = _read(path)
    return None if contents is None else _if_of_epoch(contents, epoch)


def _read(path: Path) -> Checkpoint | None:
    """Read the contents of a file; None if it is absent or damaged."""
    try:
        return read_checkpoint(path)
    except CheckpointError:
        return None


def _own_name(checkpoint: Checkpoint, saving: Cadence) -> str | None:
    if not is_complete(checkpoint):
        return INTERRUPT
    due = saving.is_due(checkpoint["epoch"]) or checkpoint["training_state"]["stopped_early"]
    return periodic(checkpoint["epoch"]) if due else None


def _take_along(file: Path, folder: Path) -> None:
    if file.exists() and _read(folder / file.name) is None:
        try:
            write_checkpoint(folder / file.name, read_checkpoint(file))
        except CheckpointError as error:
            logger.warning("Not taken along: %s", error)


def check_tables(folder: Path) -> None:
    """Read the tables of a run before anything is written: somebody may have saved them from a spreadsheet.

    Args:
        folder: Folder of the run so far.

    Raises:
        UserError: If one of them is no longer as a run writes it.
    """
    for name in TABLES:
        try:
            read_table(folder / name)
        except UserError as error:
            raise UserError(f"{error}; put the file back as the run wrote it, or out of the folder") from error


def take_rows_along(source: Path, folder: Path, epoch: int) -> None:
    """Take the rows of the tables of a run along to where it goes on, which may be its own folder.

    Args:
        source: Folder of the run so far.
        folder: Folder of the run from here on, locked by this process.
        epoch: Last epoch whose row is kept: what follows is computed again, perhaps in another way.

    Raises:
        UserError: If a table can't be read or written.
    """
    for name in TABLES:
        columns, rows = read_table(source / name)
        kept = [row for row in rows if int(row["epoch"]) <= epoch]
        if columns and (len(kept) < len(rows) or source.resolve() != folder.resolve()):
            write_table(folder / name, columns, kept)
