"""One format, one writer, one reader for every checkpoint, and the matching of weights by name."""

from .errors import CheckpointError, CorruptCheckpointError, ForeignCheckpointError, IncompatibleCheckpointError
from .format import FINETUNE, FORMAT_VERSION, PRETRAIN, REQUIRED_KEYS, to_plain
from .matching import (
    ParameterMatch,
    load_matched,
    match_parameters,
    optimizer_state_by_name,
    optimizer_state_from_names,
)
from .reader import check_integrity, load_safely, position_of, read_checkpoint
from .writer import sweep_temporary_files, write_checkpoint

__all__ = [
    "FINETUNE",
    "FORMAT_VERSION",
    "PRETRAIN",
    "REQUIRED_KEYS",
    "CheckpointError",
    "CorruptCheckpointError",
    "ForeignCheckpointError",
    "IncompatibleCheckpointError",
    "ParameterMatch",
    "check_integrity",
    "load_matched",
    "load_safely",
    "match_parameters",
    "optimizer_state_by_name",
    "optimizer_state_from_names",
    "position_of",
    "read_checkpoint",
    "sweep_temporary_files",
    "to_plain",
    "write_checkpoint",
]
