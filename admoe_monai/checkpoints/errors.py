"""Errors about checkpoints; each message names the file, what is wrong and what to do."""

from __future__ import annotations

from admoe_monai.errors import UserError


class CheckpointError(UserError):
    """Error about a checkpoint that can't be used as asked."""


class CorruptCheckpointError(CheckpointError):
    """Error about a file whose bytes are not those that were written."""


class ForeignCheckpointError(CheckpointError):
    """Error about a sound file that this package did not write: another model's, a bare state dict, another format version."""


class IncompatibleCheckpointError(CheckpointError):
    """Error about a checkpoint of this package that does not belong to the network or the plan at hand."""
