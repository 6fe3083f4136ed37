"""The one kind of error that a user can mend: reported as a single line, never as a traceback."""

from __future__ import annotations

from collections.abc import Sequence


class UserError(ValueError):
    """A mistake in the user's input; its message is one line that says what is wrong, where, and what to do.

    Args:
        message: the line.
        details: where many things are wrong at once, one line each, which the command line prints above the message.
    """

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)
