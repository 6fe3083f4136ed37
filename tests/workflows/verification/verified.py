"""What the tests of verification look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from admoe_monai.checkpoints import read_checkpoint, write_checkpoint
from admoe_monai.workflows.verification.verify import Verification


def contents_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def problems(found: Verification) -> list[str]:
    return [str(deviation) for deviation in found.deviations]


def alter_file(path: Path, alter: Callable[[dict[str, Any]], None]) -> None:
    contents: dict[str, Any] = dict(read_checkpoint(path))
    alter(contents)
    write_checkpoint(path, contents)
