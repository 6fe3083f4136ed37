"""Point from which a run goes on: the checkpoint, the phase, the folder, and whether the settings allow it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from admoe_monai.checkpoints import (
    Checkpoint,
    IncompatibleCheckpointError,
    match_parameters,
    phase_key,
    read_checkpoint,
)
from admoe_monai.errors import UserError
from admoe_monai.networks.nets import without_decoder
from admoe_monai.ownership import refuse_of_others
from admoe_monai.run_files import FINAL_MODEL, checkpoint_files
from admoe_monai.workflows.machine.granted import granted_threads, tell_kept_threads
from admoe_monai.workflows.settings.changes import check_changes

from .checkpoints_of import later_files, newest_valid
from .continuation import check_tables, complete_files, forget_lost, missing_best
from .phase import Phase, PhaseWorkflow
from .pretrained import match_lines
from .processes import from_main, is_main
from .restore import restore_network, restore_phase
from .run_directory import RunDirectory
from .run_log import log_lines
from .start import Start
from .starts import granted_before

logger = logging.getLogger(__name__)


class ResumePoint(Start):
    """Checkpoint that a run goes on from.

    Args:
        settings: Resolved settings, of the continuation or of the checkpoint itself.
        checkpoint: Contents of the checkpoint.
        folder: Run directory that goes on.
    """

    checkpoint: Checkpoint
    path: Path

    def __init__(self, settings: Mapping[str, Any], path: Path, checkpoint: Checkpoint, folder: Path) -> None:
        super().__init__(settings)
        self.path = path
        self.checkpoint = checkpoint
        self.folder = folder
        is_own = folder.resolve() == path.parent.resolve()
        # Also after the run in the other folder was resumed in its own.
        self.parent = checkpoint.get("parent") if is_own else os.path.abspath(path)
        self.origin = checkpoint.get("origin")
        self._missing: dict[str, Checkpoint | None] = {}

    @property
    def phase_end(self) -> int:
        """The epoch after the last one of the checkpoint's phase."""
        return int(self.settings["pretrain_epochs" if self.checkpoint["is_pretrain"] else "max_epochs"])

    @property
    def phase_is_over(self) -> bool:
        """Tell whether the phase of the checkpoint has nothing left to do."""
        stopped = self.checkpoint["training_state"]["stopped_early"]
        return bool(stopped or self.checkpoint["epoch"] >= self.phase_end - 1)

    @property
    def epoch(self) -> int:
        """Return the epoch that comes next; after an early stop, the first one after the phase."""
        return self.phase_end if self.phase_is_over else self.checkpoint["epoch"] + 1

    @property
    def threads(self) -> int:
        """The number of CPU threads of each process: the run's own, unless another one is asked for."""
        return self.settings["threads"] or self.checkpoint["environment"].get("threads") or granted_threads()

    def is_within(self, phase: Phase) -> bool:
        """Tell whether the checkpoint is from this phase."""
        return phase.key == phase_key(self.checkpoint)

    def is_past(self, phase: Phase) -> bool:
        """Tell whether this phase is over and finetuning, or the end, comes next."""
        leaves_pretraining = phase.is_pretrain and self.settings["max_epochs"] > self.settings["pretrain_epochs"]
        return leaves_pretraining and (not self.checkpoint["is_pretrain"] or self.phase_is_over)

    def completes(self, phase: Phase) -> bool:
        """Tell whether this phase has been trained to its end and lacks only what comes after."""
        return self.is_within(phase) and self.phase_is_over

    def fit(self, network: nn.Module) -> None:
        """Compare names and shapes before anything is written, and say what the run goes on from.

        Args:
            network: Network as built from the settings, with decoder.

        Raises:
            IncompatibleCheckpointError: Naming the differences.
        """
        weights, own = self.checkpoint["model_state_dict"], network.state_dict()
        match = match_parameters(weights, without_decoder(own) if self.checkpoint["decoder_removed"] else own)
        if self.checkpoint["is_pretrain"] and any(name.startswith("decoder.") for name in match.missing):
            raise IncompatibleCheckpointError(
                f"{self.path} is from pretraining but lacks the decoder; a decoder started at random would not continue "
                "the run. Take another checkpoint, or use its weights: configs/finetune.yaml --pretrained"
            )
        if match.missing or match.unexpected or match.reshaped:
            raise IncompatibleCheckpointError(f"{self.path} does not fit the network: {match.differences()}")
        announcement = [
            "Resuming training from checkpoint...",
            f"Loading pretrained weights from: {self.path}",
            f"Loading from epoch {self.checkpoint['epoch']}, phase: {self.checkpoint['phase']}",
            f"Original checkpoint contains {len(weights)} parameters",
            f"Found {len(weights) - len(without_decoder(weights))} decoder parameters",
            *match_lines(len(match.matched), len(match.missing), len(match.unexpected)),
        ]
        log_lines(logger, announcement)
        if self.settings["threads"] is None:
            tell_kept_threads(self.threads)

    def run_directory(self) -> RunDirectory:
        """Choose the folder that the run goes on in; what other runs have written is protected.

        Raises:
            UserError: If the folder holds a run that this one is not the continuation of, or tables are damaged.
        """
        if self.folder.resolve() == self.path.parent.resolve():
            if later := later_files(self.folder, self.checkpoint):
                raise UserError(
                    f"{self.folder} holds later checkpoints than {self.path.name} ({', '.join(later[:3])}), which are "
                    "never overwritten; name a new folder with --run_dir, or go on from the newest with --resume auto"
                )
        elif self.folder.is_dir() and checkpoint_files(self.folder):
            raise UserError(f"{self.folder} holds a run; a run that goes on in a new folder needs an empty --run_dir")
        for folder in {self.path.parent, self.folder}:
            check_tables(folder)
        return RunDirectory(self.folder, self.settings["keep_checkpoints"])

    def refuse_source(self) -> None:
        """Refuse a checkpoint of another user."""
        refuse_of_others(self.path, "the checkpoint", "if you trust it, go on from a copy, which is yours")

    def forget_lost(self, folder: Path) -> list[str]:
        """Forget the best scores whose files are lost."""
        forgotten: list[str] = []
        if is_main():
            self._missing = missing_best(self.checkpoint, self.path.parent, folder)
            forgotten = forget_lost(self.checkpoint, self._missing)
        self.checkpoint["training_state"] = from_main(self.checkpoint["training_state"])
        return from_main(forgotten)

    def enter(self, folder: Path, network: nn.Module) -> None:
        """Complete the folder and load the weights."""
        if is_main():
            interval, missing = self.settings["save_interval"], self._missing
            complete_files(self.checkpoint, missing, self.path.parent, folder, interval, self.phase_end)
            self._missing = {}
        restore_network(network, self.checkpoint)
        logger.info("Resumed from epoch %d", self.epoch)

    def enter_phase(self, workflow: PhaseWorkflow, phase: Phase) -> None:
        """Restore the state of the phase that the checkpoint is from."""
        if self.is_within(phase):
            restore_phase(workflow, self.checkpoint)


#: Function that makes a point of what `ResumePoint` takes.
MakePoint = Callable[[Mapping[str, Any], Path, Checkpoint, Path], ResumePoint]


def start_of(
    settings: dict[str, Any],
    config_folder: Path,
    digests: Mapping[str, str],
    environment: Mapping[str, Any],
    kind: MakePoint = ResumePoint,
) -> Start:
    """Find the checkpoint that the settings ask for and check that it continues this plan.

    Args:
        settings: Resolved settings; `run_dir` is filled in where it follows from `resume`.
        config_folder: Folder of the entry point; with `resume: auto`, a run's own config.yaml stands for its folder.
        digests: Digests of the data at hand.
        environment: Hardware and versions of this machine.
        kind: Class, or function, that makes the point of a checkpoint.

    Raises:
        UserError: If there is no usable checkpoint, or the settings are not those of the run.
    """
    resume = settings["resume"]
    if resume is None:
        return Start(settings)
    if str(resume) == "auto":
        if settings["run_dir"] is None:
            if not checkpoint_files(config_folder):
                raise UserError("--resume auto needs --run_dir, the folder of the run to continue")
            settings["run_dir"] = str(config_folder)
        folder = Path(str(settings["run_dir"]))
        newest = newest_valid(folder)
        if newest is None:
            logger.info("%s holds no checkpoint to resume from: starting at epoch 0", folder)
            return Start(settings)
        path, checkpoint = newest
    else:
        path = Path(str(resume))
        checkpoint = read_checkpoint(path)
        folder = Path(str(settings["run_dir"] or path.parent))
    point = kind(settings, path, checkpoint, folder)
    point.refuse_source()
    machine, granted = {**environment, "threads": point.threads}, granted_before(folder, checkpoint)
    check_changes(settings, checkpoint, digests, machine, path, granted)
    if point.phase_is_over and _is_final(point) and str(resume) == "auto":
        point.finished = f"{folder} is finished: nothing to resume (epoch {checkpoint['epoch']}, {path.name})"
    return point


def _is_final(point: ResumePoint) -> bool:
    finetunes = point.settings["max_epochs"] > point.settings["pretrain_epochs"]
    return (point.folder / FINAL_MODEL).exists() and point.checkpoint["is_pretrain"] != finetunes
