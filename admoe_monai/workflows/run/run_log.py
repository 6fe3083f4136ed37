"""File training.log: every line of the run, appended on resume."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from admoe_monai.errors import UserError, user_error

from .processes import is_main

logger = logging.getLogger(__name__)

#: Logger of what belongs into training.log and not on the terminal; without a file it is not heard.
FILE_ALONE = logging.getLogger("admoe_monai_training_log")
FILE_ALONE.propagate = False

FORMAT = "[%(asctime)s.%(msecs)03d] %(message)s"


class RunLog:
    """Keep what the package logs while a run is checked, and write it to a file once the run has a folder.

    A context manager; the error that ends it goes to the file too.
    """

    def __init__(self) -> None:
        self._package = logging.getLogger("admoe_monai")
        self._loggers = (self._package, FILE_ALONE)
        self._early = logging.handlers.MemoryHandler(10_000, flushLevel=logging.CRITICAL + 1, flushOnClose=False)
        self._file: logging.FileHandler | None = None
        self._console: logging.Handler | None = None
        self._levels = [logging.NOTSET, logging.NOTSET]

    def __enter__(self) -> RunLog:
        self._levels = [logger.level for logger in self._loggers]
        if not self._package.hasHandlers():
            # MONAI has set up none, because no logging.conf lies beside a run's own config.yaml.
            self._console = logging.StreamHandler(sys.stdout)
            self._console.setFormatter(logging.Formatter("%(asctime)s - %(levelname)s - %(message)s"))
            self._package.addHandler(self._console)
        for logger in self._loggers:
            logger.setLevel(logging.INFO if is_main() else logging.ERROR)
            logger.addHandler(self._early)
        return self

    def open(self, path: Path) -> None:
        """Write to a file from now on, beginning with what was logged before.

        Args:
            path: Path of the file; appended to.

        Raises:
            UserError: If the file can't be opened.
        """
        try:
            self._file = _LogFile(path, encoding="utf-8")
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}; make room and start again") from error
        self._file.setFormatter(logging.Formatter(FORMAT, datefmt="%H:%M:%S"))
        self._early.setTarget(self._file)
        self._early.flush()
        for logger in self._loggers:
            logger.removeHandler(self._early)
            logger.addHandler(self._file)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for logger, level in zip(self._loggers, self._levels, strict=True):
            logger.setLevel(level)
            logger.removeHandler(self._early)
        if self._console is not None:
            self._package.removeHandler(self._console)
        if self._file is None:
            return
        if isinstance(error, Exception):
            # To the file alone: on the terminal the error speaks for itself.
            self._file.handle(_record(error))
        for logger in self._loggers:
            logger.removeHandler(self._file)
        # On a full disk the last lines are lost; what ended the run is not to be hidden by that.
        with suppress(OSError):
            self._file.close()


class _LogFile(logging.FileHandler):
    """File that a full disk does not keep a run from: it is said once, in place of a traceback for every line."""

    _is_told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 logging's name
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._is_told:
            self._is_told = True  # before the warning, which comes here as well
            logger.warning("%s can't be written: %s; the run goes on", self.baseFilename, error.strerror)


@contextmanager
def silenced(level: int) -> Iterator[None]:
    """Keep records of a level, and of those below, from every logger and handler.

    Args:
        level: One of `logging`.
    """
    before = logging.root.manager.disable
    logging.disable(level)
    try:
        yield
    finally:
        logging.disable(before)


def _record(error: Exception) -> logging.LogRecord:
    mistake = user_error(error)
    exception = None if mistake else (type(error), error, error.__traceback__)
    return logging.LogRecord(__name__, logging.ERROR, __file__, 0, "Stopped: %s", (mistake or repr(error),), exception)


def log_lines(logger: logging.Logger, lines: list[str]) -> None:
    """Log several lines, each with its time."""
    for line in lines:
        logger.info("%s", line)
