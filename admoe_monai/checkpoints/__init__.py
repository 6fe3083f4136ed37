"""One format, one writer, one reader for every checkpoint, and the matching of weights by name."""

from .digest import state_digest
from .errors import CheckpointError, CorruptCheckpointError, ForeignCheckpointError, IncompatibleCheckpointError
from .evaluated import weights_to_evaluate
from .foreign import FileContents, FileKind, component_sizes, examine
from .format import (
    FINETUNE,
    FORMAT_VERSION,
    PHASES,
    PRETRAIN,
    REQUIRED_KEYS,
    Checkpoint,
    is_complete,
    phase_key,
    position,
    to_plain,
)
from .matching import (
    ParameterMatch,
    load_matched,
    match_parameters,
    optimizer_state_by_name,
    optimizer_state_from_names,
)
from .reader import (
    check_integrity,
    load_safely,
    load_whole,
    position_of,
    read_checkpoint,
)
from .schema import check_schema
from .writer import write_checkpoint

__all__ = [
    "FINETUNE",
    "FORMAT_VERSION",
    "PHASES",
    "PRETRAIN",
    "REQUIRED_KEYS",
    "Checkpoint",
    "CheckpointError",
    "CorruptCheckpointError",
    "FileContents",
    "FileKind",
    "ForeignCheckpointError",
    "IncompatibleCheckpointError",
    "ParameterMatch",
    "check_integrity",
    "check_schema",
    "component_sizes",
    "examine",
    "is_complete",
    "load_matched",
    "load_safely",
    "load_whole",
    "match_parameters",
    "optimizer_state_by_name",
    "optimizer_state_from_names",
    "phase_key",
    "position",
    "position_of",
    "read_checkpoint",
    "state_digest",
    "to_plain",
    "weights_to_evaluate",
    "write_checkpoint",
]
