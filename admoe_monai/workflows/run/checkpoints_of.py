"""Checkpoints of a folder by where they stand in the run, as far as they are intact."""

from __future__ import annotations

import logging
from pathlib import Path

from admoe_monai.checkpoints import (
    Checkpoint,
    CheckpointError,
    check_integrity,
    position,
    position_of,
    read_checkpoint,
)
from admoe_monai.run_files import FINAL_MODEL, checkpoint_files, periodic_epoch

logger = logging.getLogger(__name__)


def newest_valid(folder: Path) -> tuple[Path, Checkpoint] | None:
    """Find the intact checkpoint of a folder that stands furthest in the run.

    Args:
        folder: Folder, which may be absent.

    Raises:
        UserError: If there are checkpoints and none can be used; a run never starts from scratch in silence.
    """
    files = checkpoint_files(folder) if folder.is_dir() else []
    if not files:
        return None
    standing: list[tuple[tuple[int, bool, int, bool, bool], Path]] = []
    for path in files:
        try:
            place = position_of(path)
        except CheckpointError as error:
            logger.warning("Skipped: %s", error)
            continue
        # Among files of one position the final one says that the run is over, and periodic ones are never stale.
        standing.append(((*place, path.name == FINAL_MODEL, periodic_epoch(path) is not None), path))
    for _, path in sorted(standing, reverse=True):
        try:
            return path, read_checkpoint(path)
        except CheckpointError as error:
            logger.warning("Skipped: %s", error)
    raise CheckpointError(
        f"none of the {len(files)} checkpoints in {folder} can be used; start anew in another --run_dir"
    )


def later_files(folder: Path, than: Checkpoint) -> list[str]:
    """Name the intact checkpoints of a folder that stand further in the run than another one.

    A damaged one is no reason not to go on: nothing can, and the run will write it anew.

    Args:
        folder: Folder of the run, which may be another than that of the checkpoint.
        than: Contents of the checkpoint.
    """
    later = []
    for path in checkpoint_files(folder):
        try:
            if position_of(path) > position(than):
                check_integrity(path)
                later.append(path.name)
        except CheckpointError:
            continue
    return later
