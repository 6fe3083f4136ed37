"""Error that a user can correct: reported as a single line, never as a traceback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class UserError(ValueError):
    """A mistake in the user's input; its message is one line that says what is wrong, where, and what to do.

    Args:
        message: One line, as above.
        details: One line for each of many things that are wrong at once, which the command line prints above the message.
    """

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


def root_cause(error: BaseException) -> BaseException:
    """Find what an exception comes down to: the user's mistake in its chain of causes, else the first cause of all.

    MONAI wraps what a transform or component raises in RuntimeErrors.
    """
    while error.__cause__ is not None and not isinstance(error, UserError):
        error = error.__cause__
    return error


def user_error(error: BaseException) -> UserError | None:
    """Find the user's mistake behind an exception, also where it came up while another one was handled."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, UserError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Leave with one line and exit code 1 for a user's mistake, wherever in the chain of causes it stands."""
    try:
        yield
    except Exception as error:
        mistake = user_error(error)
        if mistake is None:
            raise
        raise SystemExit(f"error: {_last_line(mistake)}") from None


def _last_line(mistake: UserError) -> str:
    """Extract the message itself; what a loader's worker raises arrives with the traceback in front of it."""
    lines = str(mistake).strip().splitlines()
    return lines[-1].partition(": ")[2] if len(lines) > 1 and lines[0].startswith("Caught ") else str(mistake)
