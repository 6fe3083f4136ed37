"""Folder of one run: its owner, its contents, and the writing of files into it."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from admoe_monai.checkpoints import FORMAT_VERSION, write_checkpoint
from admoe_monai.errors import UserError
from admoe_monai.files import sweep_temporaries
from admoe_monai.run_files import INTERRUPT, LOCK, periodic_epoch

logger = logging.getLogger(__name__)


def common_contents(
    settings: Mapping[str, Any],
    digests: Mapping[str, str],
    environment: Mapping[str, Any],
    *,
    prior: Sequence[Mapping[str, Any]],
    parent: str | None,
    leakage: Sequence[str],
    pretraining_subjects: Sequence[str],
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Build what all checkpoints of a run have in common; see `Checkpoint` for what each entry means.

    Args:
        settings: Resolved settings.
        digests: Digests of what the settings point to.
        environment: Hardware and versions of this machine.
        prior: Statistics of the prior columns in use.
        parent: Checkpoint, or bundle, that the run descends from.
        leakage: Leaks that were allowed.
        pretraining_subjects: Digests of all people whose scans the weights have seen.
        origin: Where the weights are from that finetuning started from; None for weights that the run drew itself.
    """
    return {
        "format_version": FORMAT_VERSION,
        "settings": settings,
        "digests": digests,
        "environment": environment,
        "prior": prior,
        "parent": parent,
        "leakage": leakage,
        "pretraining_subjects": pretraining_subjects,
        **({"origin": origin} if origin is not None else {}),
    }


class RunDirectory:
    """Run directory, locked by this process from `open` to `close`.

    Args:
        keep_checkpoints: Choice "all", or the number of newest periodic checkpoints to keep.
    """

    def __init__(self, path: Path, keep_checkpoints: str | int = "all") -> None:
        self.path = path
        self.keep_checkpoints = keep_checkpoints
        self.common: dict[str, Any] = {}
        self._lock: IO[str] | None = None

    @classmethod
    def fresh(cls, name: str, keep_checkpoints: str | int = "all", parent: Path = Path("checkpoints")) -> RunDirectory:
        """Make a folder that no other run has, named after the experiment and the time.

        Args:
            name: Name of the experiment.
            keep_checkpoints: Choice "all", or the number of newest periodic checkpoints to keep.
            parent: Folder of all runs.

        Raises:
            UserError: If the folder can't be made.
        """
        stamp = datetime.now().strftime("%Y%m%d_%H%M%S")
        for attempt in range(10_000):
            path = parent / (f"{name}_{stamp}" + (f"_{attempt}" if attempt else ""))
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise UserError(f"cannot make the run directory {path}: {error.strerror}; choose --run_dir") from error
            return cls(path, keep_checkpoints)
        raise UserError(f"{parent} has 10,000 runs of this second; choose another --name")

    def open(self) -> None:
        """Take the lock and sweep what a kill left behind.

        Raises:
            UserError: If another process has the lock, or the folder can't be written to.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = open(self.path / LOCK, "a+")  # noqa: SIM115 open for as long as the run lasts
        except OSError as error:
            raise UserError(f"cannot write to the run directory {self.path}: {error.strerror}") from error
        try:
            # lockf and not flock: no worker inherits it, and a kill frees it at once.
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            self._lock = None
            raise UserError(
                f"{self.path} is in use by another process; wait for it or choose another --run_dir"
            ) from error
        for stray in sweep_temporaries(self.path):
            logger.info("Removed %s, left behind by an interrupted save", stray.name)

    def close(self) -> None:
        """Give the lock back; the file stays."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def save(self, name: str, contents: Mapping[str, Any]) -> None:
        """Write a checkpoint and tidy up what it makes superfluous.

        Args:
            name: File name within the folder.
            contents: Contents of the phase; what all checkpoints of the run have in common is added.
        """
        write_checkpoint(self.path / name, {**self.common, **contents})
        if name != INTERRUPT:
            (self.path / INTERRUPT).unlink(missing_ok=True)
        if isinstance(self.keep_checkpoints, int) and periodic_epoch(Path(name)) is not None:
            numbered = {p: e for p in self.path.glob("*.pth") if (e := periodic_epoch(p)) is not None}
            for path in sorted(numbered, key=numbered.__getitem__)[: -self.keep_checkpoints]:
                os.unlink(path)


class FollowedDirectory(RunDirectory):
    """Run directory as the other processes of a run see it: the main one owns it and writes."""

    def open(self) -> None:
        """Leave the lock to the main process."""

    def save(self, name: str, contents: Mapping[str, Any]) -> None:
        """Leave the file to the main process."""
