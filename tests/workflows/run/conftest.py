"""What a run shows on the terminal, as configs/logging.conf has it; runs and checkpoints that may be spoilt."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from admoe_monai.checkpoints import read_checkpoint, write_checkpoint

Alter = Callable[..., Path]


class Terminal(logging.Handler):
    """Keeps the package's messages that reach the root logger; caplog also has those that do not propagate."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("admoe_monai"):
            self.messages.append(record.getMessage())


@pytest.fixture
def terminal() -> Iterator[list[str]]:
    """The lines that were shown, in their order."""
    handler = Terminal()
    logging.getLogger().addHandler(handler)
    yield handler.messages
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def run(each_run: Path, tmp_path: Path) -> Path:
    """A finished run of one epoch of each phase that may be spoilt."""
    return Path(shutil.copytree(each_run, tmp_path / "run"))


@pytest.fixture
def checkpoint(each_run: Path, tmp_path: Path) -> Alter:
    """Write a checkpoint like that of the first epoch, but for the keys given."""

    def write(name: str, **changes: Any) -> Path:
        contents = {**read_checkpoint(each_run / "checkpoint_epoch_0.pth"), **changes}
        (tmp_path / "some").mkdir(exist_ok=True)
        write_checkpoint(tmp_path / "some" / name, contents)
        return tmp_path / "some"

    return write
