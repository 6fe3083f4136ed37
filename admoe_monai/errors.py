"""The one kind of error that a user can mend: reported as a single line, never as a traceback."""

from __future__ import annotations


class UserError(ValueError):
    """A mistake in the user's input; its message is one line that says what is wrong, where, and what to do."""
