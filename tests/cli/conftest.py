"""The `admoe` command, called within the process of the tests."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator

import pytest

from admoe_monai.cli.main import main

Admoe = Callable[..., tuple[int, str, str]]


@pytest.fixture
def admoe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Admoe]:
    """Call the command in this process and return its exit code, standard output and standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["admoe", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        output = capsys.readouterr()
        if isinstance(left.value.code, str):  # which Python prints to standard error
            return 1, output.out, f"{output.err}{left.value.code}\n"
        return int(left.value.code or 0), output.out, output.err

    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield call
    root.handlers, root.level = handlers, level
