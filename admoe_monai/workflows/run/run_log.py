"""File training.log: every line of the run, appended on resume."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path
from types import TracebackType

from admoe_monai.errors import user_error

from .processes import is_main

FORMAT = "[%(asctime)s.%(msecs)03d] %(message)s"


class RunLog:
    """Keep what the package logs while a run is checked, and write it to a file once the run has a folder.

    A context manager; the error that ends it goes to the file too.
    """

    def __init__(self) -> None:
        self._package = logging.getLogger("admoe_monai")
        self._early = logging.handlers.MemoryHandler(10_000, flushLevel=logging.CRITICAL + 1, flushOnClose=False)
        self._file: logging.FileHandler | None = None
        self._console: logging.Handler | None = None
        self._level = logging.NOTSET

    def __enter__(self) -> RunLog:
        self._level = self._package.level
        self._package.setLevel(logging.INFO if is_main() else logging.ERROR)
        if not self._package.hasHandlers():
            # MONAI has set up none, because no logging.conf lies beside a run's own config.yaml.
            self._console = logging.StreamHandler(sys.stdout)
            self._console.setFormatter(logging.Formatter("%(asctime)s - %(levelname)s - %(message)s"))
            self._package.addHandler(self._console)
        self._package.addHandler(self._early)
        return self

    def open(self, path: Path) -> None:
        """Write to a file from now on, beginning with what was logged before.

        Args:
            path: Path of the file; appended to.
        """
        self._file = logging.FileHandler(path, encoding="utf-8")
        self._file.setFormatter(logging.Formatter(FORMAT, datefmt="%H:%M:%S"))
        self._early.setTarget(self._file)
        self._early.flush()
        self._package.removeHandler(self._early)
        self._package.addHandler(self._file)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._package.setLevel(self._level)
        self._package.removeHandler(self._early)
        if self._console is not None:
            self._package.removeHandler(self._console)
        if self._file is None:
            return
        if isinstance(error, Exception):
            # To the file alone: on the terminal the error speaks for itself.
            self._file.handle(_record(error))
        self._package.removeHandler(self._file)
        self._file.close()


def _record(error: Exception) -> logging.LogRecord:
    mistake = user_error(error)
    exception = None if mistake else (type(error), error, error.__traceback__)
    return logging.LogRecord(__name__, logging.ERROR, __file__, 0, "Stopped: %s", (mistake or repr(error),), exception)


def log_lines(logger: logging.Logger, lines: list[str]) -> None:
    """Log several lines, each with its time."""
    for line in lines:
        logger.info("%s", line)
