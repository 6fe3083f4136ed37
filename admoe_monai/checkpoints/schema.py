"""Schema of a checkpoint: what a file that can be read has to hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .errors import ForeignCheckpointError
from .foreign import FileContents, examine
from .format import FORMAT_VERSION, PHASES, PRETRAIN, REQUIRED_KEYS


def check_schema(path: Path, contents: Any) -> None:
    """Refuse what is no checkpoint of this package and version.

    Args:
        path: Path of the file, for messages.
        contents: Object as `load_whole` returns it.

    Raises:
        ForeignCheckpointError: Naming what the file is or lacks, and what to do instead.
    """
    if not isinstance(contents, dict) or "format_version" not in contents:
        raise ForeignCheckpointError(_refusal_of_foreign(path, examine(contents)))
    version = contents["format_version"]
    if not isinstance(version, int) or version != FORMAT_VERSION:
        raise ForeignCheckpointError(
            f"{path} has format version {version!r}; this admoe_monai reads version {FORMAT_VERSION}"
        )
    for key, kind in REQUIRED_KEYS.items():
        if key not in contents:
            raise ForeignCheckpointError(f"{path} lacks the key '{key}'")
        if not isinstance(contents[key], kind):
            raise ForeignCheckpointError(
                f"{path}: '{key}' is {type(contents[key]).__name__} instead of {kind.__name__}"
            )
    if contents["epoch_length"] < 1 or contents["iteration"] < 0:
        raise ForeignCheckpointError(f"{path} has an epoch_length below 1, or an iteration below 0")
    if contents["phase"] not in PHASES.values() or contents["is_pretrain"] != (contents["phase"] == PRETRAIN):
        raise ForeignCheckpointError(f"{path}: phase {contents['phase']!r} contradicts is_pretrain or is unknown")


def _refusal_of_foreign(path: Path, found: FileContents) -> str:
    refusal = f"{path} was not written by admoe_monai and can't be resumed from: it is {found.kind}"
    if not found.weights:
        return f"{refusal} ({found.remark})"
    return (
        f"{refusal} and lacks {found.lacks}; finetuning can start from its weights: "
        f"--config_file configs/finetune.yaml --pretrained {path}"
    )
