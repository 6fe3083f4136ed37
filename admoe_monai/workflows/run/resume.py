"""Where a run goes on: which checkpoint, in which phase, in which folder, and whether the settings allow it."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from admoe_monai.checkpoints import (
    CheckpointError,
    IncompatibleCheckpointError,
    check_integrity,
    match_parameters,
    position_of,
    read_checkpoint,
)
from admoe_monai.errors import UserError
from admoe_monai.workflows.settings.changes import check_changes

from .phase import Phase
from .restore import match_lines
from .run_directory import (
    FINAL_MODEL,
    RunDirectory,
    checkpoint_files,
    periodic_epoch,
)

logger = logging.getLogger(__name__)


@dataclass
class ResumePoint:
    """A checkpoint to go on from.

    Attributes:
        path: of the checkpoint.
        checkpoint: its contents.
        folder: the run directory that goes on.
        max_epochs: of the plan.
        pretrain_epochs: of the plan.
        finished: what to say if nothing is left to do; empty otherwise.
        match: names that matched, were missing, were unexpected.
    """

    path: Path
    checkpoint: dict[str, Any]
    folder: Path
    max_epochs: int
    pretrain_epochs: int
    finished: str = ""
    match: tuple[int, int, int] = field(default=(0, 0, 0))

    @property
    def phase_is_over(self) -> bool:
        """Whether the phase of the checkpoint has nothing left to do."""
        end = self.pretrain_epochs if self.checkpoint["is_pretrain"] else self.max_epochs
        return self.checkpoint["training_state"]["stopped_early"] or self.checkpoint["epoch"] >= end - 1

    @property
    def start_epoch(self) -> int:
        """The epoch that comes next; after an early stop, the first one after the phase."""
        if self.phase_is_over:
            return self.pretrain_epochs if self.checkpoint["is_pretrain"] else self.max_epochs
        return int(self.checkpoint["epoch"]) + 1

    def is_within(self, phase: Phase) -> bool:
        """Whether the checkpoint is from this phase."""
        return phase.is_pretrain == self.checkpoint["is_pretrain"]

    def is_past(self, phase: Phase) -> bool:
        """Whether this phase is over and finetuning, or the end, comes next."""
        leaves_pretraining = phase.is_pretrain and self.max_epochs > self.pretrain_epochs
        return leaves_pretraining and (not self.checkpoint["is_pretrain"] or self.phase_is_over)

    def completes(self, phase: Phase) -> bool:
        """Whether this phase has been trained to its end and lacks only what comes after."""
        return self.is_within(phase) and self.phase_is_over

    def parent_of(self, folder: Path) -> str | None:
        """The checkpoint that a run in another folder descends from, also after it was resumed in its own."""
        if folder.resolve() == self.path.parent.resolve():
            return self.checkpoint.get("parent")
        return os.path.abspath(self.path)

    def check_network(self, network: nn.Module) -> None:
        """Compare names and shapes before anything is written.

        Args:
            network: as built from the settings, with decoder.

        Raises:
            IncompatibleCheckpointError: naming the differences.
        """
        own = network.state_dict()
        if self.checkpoint["decoder_removed"]:
            own = {name: weight for name, weight in own.items() if not name.startswith("decoder.")}
        match = match_parameters(self.checkpoint["model_state_dict"], own)
        self.match = (len(match.matched), len(match.missing), len(match.unexpected))
        if self.checkpoint["is_pretrain"] and any(name.startswith("decoder.") for name in match.missing):
            raise IncompatibleCheckpointError(
                f"{self.path} is from pretraining but lacks the decoder; a decoder started at random would not continue "
                "the run. Take another checkpoint, or use its weights: configs/finetune.yaml --pretrained"
            )
        if match.missing or match.unexpected or match.reshaped:
            raise IncompatibleCheckpointError(f"{self.path} does not fit the network: {match.differences()}")

    def announcement(self) -> list[str]:
        """What the log says on resume."""
        weights = self.checkpoint["model_state_dict"]
        return [
            "Resuming training from checkpoint...",
            f"Loading pretrained weights from: {self.path}",
            f"Loading from epoch {self.checkpoint['epoch']}, phase: {self.checkpoint['phase']}",
            f"Original checkpoint contains {len(weights)} parameters",
            f"Found {sum(name.startswith('decoder.') for name in weights)} decoder parameters",
            *match_lines(*self.match),
        ]


def resume_point(
    settings: dict[str, Any], config_folder: Path, digests: Mapping[str, str], environment: Mapping[str, Any]
) -> ResumePoint | None:
    """Find the checkpoint that the settings ask for and check that it continues this plan.

    Args:
        settings: resolved; `run_dir` is filled in where it follows from `resume`.
        config_folder: of the entry point; with `resume: auto`, a run's own config.yaml stands for its folder.
        digests: of the data at hand.
        environment: of this machine.

    Returns:
        None for a run that starts at epoch 0.

    Raises:
        UserError: if there is no usable checkpoint, or the settings are not those of the run.
    """
    resume = settings["resume"]
    if resume is None:
        return None
    if str(resume) == "auto":
        if settings["run_dir"] is None:
            if not checkpoint_files(config_folder):
                raise UserError("--resume auto needs --run_dir, the folder of the run to continue")
            settings["run_dir"] = str(config_folder)
        folder = Path(str(settings["run_dir"]))
        newest = newest_valid(folder)
        if newest is None:
            logger.info("%s holds no checkpoint to resume from: starting at epoch 0", folder)
            return None
        path, checkpoint = newest
    else:
        path = Path(str(resume))
        checkpoint = read_checkpoint(path)
        folder = Path(str(settings["run_dir"] or path.parent))
    check_changes(settings, checkpoint, digests, environment, path)
    point = ResumePoint(path, checkpoint, folder, settings["max_epochs"], settings["pretrain_epochs"])
    if point.phase_is_over and _is_final(point) and str(resume) == "auto":
        point.finished = f"{folder} is finished: nothing to resume (epoch {checkpoint['epoch']}, {path.name})"
    return point


def _is_final(point: ResumePoint) -> bool:
    finetunes = point.max_epochs > point.pretrain_epochs
    return (point.folder / FINAL_MODEL).exists() and point.checkpoint["is_pretrain"] != finetunes


def newest_valid(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The whole checkpoint of a folder that stands furthest in the run.

    Args:
        folder: may be absent.

    Raises:
        UserError: if there are checkpoints and none can be used; a run never starts from scratch in silence.
    """
    files = checkpoint_files(folder) if folder.is_dir() else []
    if not files:
        return None
    standing: list[tuple[tuple[int, bool, int, bool, bool], Path]] = []
    for path in files:
        try:
            position = position_of(path)
        except CheckpointError as error:
            logger.warning("Skipped: %s", error)
            continue
        # Among files of one position the final one says that the run is over, and periodic ones are never stale.
        standing.append(((*position, path.name == FINAL_MODEL, periodic_epoch(path) is not None), path))
    for _, path in sorted(standing, reverse=True):
        try:
            return path, read_checkpoint(path)
        except CheckpointError as error:
            logger.warning("Skipped: %s", error)
    raise CheckpointError(
        f"none of the {len(files)} checkpoints in {folder} can be used; start anew in another --run_dir"
    )


def chosen_run_directory(settings: Mapping[str, Any], point: ResumePoint | None) -> RunDirectory | None:
    """The folder that a run goes on in or was asked to use; what other runs have written is protected.

    Args:
        settings: resolved.
        point: where the run goes on, if it does.

    Returns:
        None for a run that makes a folder of its own.

    Raises:
        UserError: if the folder holds a run that this one is not the continuation of.
    """
    keep = settings["keep_checkpoints"]
    if point is None:
        if settings["run_dir"] is None:
            return None
        folder = Path(str(settings["run_dir"]))
        if folder.is_dir() and checkpoint_files(folder):
            raise UserError(f"{folder} holds a run; continue it with --resume auto or choose another --run_dir")
        return RunDirectory(folder, keep)
    if point.folder.resolve() == point.path.parent.resolve():
        later = later_files(point)
        if later:
            raise UserError(
                f"{point.folder} holds later checkpoints than {point.path.name} ({', '.join(later[:3])}), which are "
                "never overwritten; name a new folder with --run_dir, or go on from the newest with --resume auto"
            )
    elif point.folder.is_dir() and checkpoint_files(point.folder):
        raise UserError(f"{point.folder} holds a run; a run that goes on in a new folder needs an empty --run_dir")
    return RunDirectory(point.folder, keep)


def _position(checkpoint: Mapping[str, Any]) -> tuple[int, bool, int]:
    return checkpoint["epoch"], not checkpoint["is_pretrain"], checkpoint["iteration"]


def later_files(point: ResumePoint) -> list[str]:
    """Names of the sound checkpoints in the folder of the point that stand further in the run.

    A damaged one is no reason not to go on: nothing can, and the run will write it anew.

    Args:
        point: where the run goes on; its folder may be another than that of its checkpoint.
    """
    later = []
    for path in checkpoint_files(point.folder):
        try:
            if position_of(path) > _position(point.checkpoint):
                check_integrity(path)
                later.append(path.name)
        except CheckpointError:
            continue
    return later
