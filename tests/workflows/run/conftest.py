"""What a run shows on the terminal, as configs/logging.conf has it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


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
