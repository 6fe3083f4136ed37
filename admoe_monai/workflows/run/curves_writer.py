"""TensorBoard's writer, kept from stopping a run: a full disk costs curves, and no more than that."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

logger = logging.getLogger(__name__)


class CurvesWriter(SummaryWriter):
    """Writer that gives up after its first failure, with one line in the log.

    It writes in a thread of its own and raises there what went wrong, and once more at whichever call comes next: in the middle
    of an epoch, or in place of the error that a run really ends with.

    Args:
        folder: Run directory.
        purge_step: Epoch from which on curves of before are hidden.
    """

    def __init__(self, folder: Path, purge_step: int) -> None:
        self._given_up = False
        super().__init__(str(folder), purge_step=purge_step)

    def add_scalar(self, *args: Any, **named: Any) -> None:
        """Add a point, as `SummaryWriter` does."""
        self._attempt(super().add_scalar, *args, **named)

    def add_image(self, *args: Any, **named: Any) -> None:
        """Add a picture, as `SummaryWriter` does."""
        self._attempt(super().add_image, *args, **named)

    def add_text(self, *args: Any, **named: Any) -> None:
        """Add a text, as `SummaryWriter` does."""
        self._attempt(super().add_text, *args, **named)

    def flush(self) -> None:
        """Write what is waiting."""
        self._attempt(super().flush)

    def close(self) -> None:
        """Write what is waiting and close the file."""
        self._attempt(super().close)

    def give_up(self, error: BaseException | None) -> None:
        """Say once that there will be no more curves.

        Args:
            error: Why.
        """
        if not self._given_up:
            self._given_up = True
            logger.warning("TensorBoard's curves end here, the run goes on: %s", error)

    def _attempt(self, write: Callable[..., None], *args: Any, **named: Any) -> None:
        if self._given_up:
            return
        try:
            write(*args, **named)
        except OSError as error:
            self.give_up(error)


@contextmanager
def curves_in(folder: Path, purge_step: int) -> Iterator[CurvesWriter]:
    """Open a writer whose thread prints no traceback either.

    Args:
        folder: Run directory.
        purge_step: Epoch from which on curves of before are hidden.
    """
    before = threading.excepthook

    def failed(failure: threading.ExceptHookArgs) -> None:
        if issubclass(failure.exc_type, OSError) and type(failure.thread).__module__.startswith("tensorboard."):
            writer.give_up(failure.exc_value)
        else:
            before(failure)

    threading.excepthook = failed
    try:
        with CurvesWriter(folder, purge_step) as writer:
            yield writer
    finally:
        threading.excepthook = before
