"""Point from which a run begins: epoch 0, unless it goes on from a checkpoint (resume.py)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from admoe_monai.checkpoints import Checkpoint, IncompatibleCheckpointError, load_whole
from admoe_monai.errors import UserError
from admoe_monai.run_files import checkpoint_files
from admoe_monai.workflows.machine.granted import granted_threads
from admoe_monai.workflows.settings.changes import other_network

from .continuation import check_tables
from .hub import local_file
from .phase import Phase, PhaseWorkflow
from .pretrained import load_pretrained
from .run_directory import RunDirectory


class Start:
    """Beginning of a run at epoch 0.

    Args:
        settings: Resolved settings.

    Attributes:
        checkpoint: Checkpoint that the run goes on from; None at epoch 0.
        path: File of the checkpoint.
        finished: Message for a run that has nothing left to do; empty otherwise.
        parent: Path of the checkpoint that a run in another folder descends from.
        origin: Where the weights are from that finetuning starts from, see `load_pretrained`; None for weights drawn here.
    """

    checkpoint: Checkpoint | None = None
    path: Path | None = None
    finished = ""
    parent: str | None = None
    origin: dict[str, Any] | None = None

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings

    @property
    def epoch(self) -> int:
        """The epoch that comes first."""
        return 0

    @property
    def threads(self) -> int:
        """The number of CPU threads of each process; it decides the last bits of what is computed."""
        return self.settings["threads"] or granted_threads()

    def is_within(self, phase: Phase) -> bool:
        """Tell whether the run begins in the middle, or at the end, of a phase."""
        return False

    def is_past(self, phase: Phase) -> bool:
        """Tell whether a phase is over."""
        return False

    def completes(self, phase: Phase) -> bool:
        """Tell whether a phase has been trained to its end and lacks only what comes after."""
        return False

    def fit(self, network: nn.Module) -> None:
        """Check that weights from elsewhere fit, before anything is written.

        Args:
            network: Network as built from the settings; takes pretrained weights if the settings name some.

        Raises:
            CheckpointError: If they don't fit or can't be read.
        """
        if self.settings["pretrained"] is not None:
            try:
                self.origin = load_pretrained(
                    network, self.settings["pretrained"], self.settings["expert_noise"], self.settings["seed"]
                )
            except IncompatibleCheckpointError as error:
                remark = other_network(load_whole(local_file(self.settings["pretrained"])), self.settings)
                raise IncompatibleCheckpointError(f"{error}{remark}") from error

    def run_directory(self) -> RunDirectory | None:
        """Choose the folder of the run; what other runs have written is protected.

        Returns:
            None for a run that makes a folder of its own.

        Raises:
            UserError: If the folder holds another run, or tables that none has written.
        """
        if self.settings["run_dir"] is None:
            return None
        folder = Path(str(self.settings["run_dir"]))
        if folder.is_dir() and checkpoint_files(folder):
            raise UserError(f"{folder} holds a run; continue it with --resume auto or choose another --run_dir")
        check_tables(folder)
        return RunDirectory(folder, self.settings["keep_checkpoints"])

    def forget_lost(self, folder: Path) -> list[str]:
        """Forget the best scores that the run can't go on with, before anything is written.

        Args:
            folder: Folder of the run, locked by the main process.

        Returns:
            Their names in the training state.
        """
        return []

    def enter(self, folder: Path, network: nn.Module) -> None:
        """Put folder and network into the state in which the run goes on.

        Args:
            folder: Folder of the run, locked by the main process.
            network: Network that `fit` has checked.
        """

    def enter_phase(self, workflow: PhaseWorkflow, phase: Phase) -> None:
        """Put a phase into the state in which it goes on.

        Args:
            workflow: Workflow of the phase.
            phase: Phase that is about to run.
        """
