"""Error that a user can correct: reported as a single line, never as a traceback."""

from __future__ import annotations

import difflib
import os
import re
import sys
import traceback
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

#: Environment variable that asks for the whole chain of exceptions beside the line; the option --debug of `admoe` sets it.
DEBUG = "ADMOE_DEBUG"
#: Number of lines of one kind, and of kinds, that a list of problems shows.
LINES_OF_A_KIND, KINDS = 5, 10
#: Part of a line that tells one problem from another of its kind: a path, a quoted value, a word with a digit.
_PARTICULARS = re.compile(r"(?<!column )(?<!field )'[^']*'|\S*[/\d]\S*")

#: What torch says of a worker that is gone; an exception within one reads otherwise.
_LOST_WORKER = re.compile(r"DataLoader worker \(pid.*\) (?:exited unexpectedly|is killed by signal: ([^.]*))")
#: What most likely ended it, by the signal that torch names; None where it knows of none.
_WHY_LOST = {
    None: "perhaps for want of memory",
    "Killed": "most likely for want of memory",
    "Bus error": "most likely for want of shared memory (/dev/shm), of which containers grant little",
}


class UserError(ValueError):
    """A mistake in the user's input; its message is one line that says what is wrong, where, and what to do.

    Args:
        message: One line, as above.
        details: One line for each of many things that are wrong at once, which the command line prints below the message.
    """

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


def told(error: UserError) -> list[str]:
    """Say what a user has to know of an error: its message, and below it some of each kind of its details.

    Args:
        error: Error, perhaps with many details.
    """
    message, details = _last_line(error), error.details
    if details and details[0] in message:
        details = details[1:]
    return [printable(line) for line in (f"error: {message}", *(f"  {line}" for line in first_of_each_kind(details)))]


def printable(text: str) -> str:
    """Write what a terminal would obey, and what is no UTF-8, as Python escapes it; a file may hold anything as a name."""
    return "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in text)


def first_of_each_kind(lines: Sequence[str]) -> list[str]:
    """Cut a list of problems: the first five of each kind, and the number of the others.

    Lines are of one kind where they differ in paths, numbers and quoted values alone, and in what stands before the first
    colon: the place.

    Args:
        lines: One per problem.

    Returns:
        Lines by kind, in the order in which the kinds come up.
    """
    kinds: dict[str, list[str]] = {}
    for line in lines:
        place, _, problem = line.partition(": ")
        kinds.setdefault(_PARTICULARS.sub("…", problem or place), []).append(line)
    shown: list[str] = []
    for same in list(kinds.values())[:KINDS]:
        shown += same[:LINES_OF_A_KIND]
        if len(same) > LINES_OF_A_KIND:
            shown.append(f"... and {len(same) - LINES_OF_A_KIND} more of this kind")
    others = sum(len(same) for same in list(kinds.values())[KINDS:])
    return [*shown, f"... and {others} of other kinds"] if others else shown


def some_of(names: Collection[str], limit: int = 3) -> str:
    """List the first of many names, and say by an ellipsis that there are others.

    Args:
        names: Names, in their order.
        limit: Number of names that are shown.
    """
    return ", ".join([*list(names)[:limit], "…"] if len(names) > limit else names)


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6, mark: str = ",") -> str:
    """Return ``", did you mean '…'?"`` for the known name most like this one, or nothing if none is alike.

    Args:
        name: Name that the user wrote.
        known: Names that could have been meant.
        cutoff: Least likeness, from 0 to 1.
        mark: Mark that parts the question from the message before it.
    """
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"{mark} did you mean '{matches[0]}'?" if matches else ""


def root_cause(error: BaseException) -> BaseException:
    """Find what an exception comes down to: the user's mistake in its chain of causes, else the first cause of all.

    MONAI wraps what a transform or component raises in RuntimeErrors.
    """
    seen: list[BaseException] = []
    while error.__cause__ is not None and error not in seen and not isinstance(error, UserError):
        seen.append(error)  # one that was raised from itself would lead in a circle
        error = error.__cause__
    return error


def user_error(error: BaseException) -> UserError | None:
    """Find the user's mistake behind an exception, also where it came up while another one was handled.

    That a loader's worker was ended from outside counts as one: no code of ours sees it, and less of them is what helps.
    """
    link: BaseException | None = error
    seen: list[BaseException] = []
    while link is not None and link not in seen:
        if isinstance(link, UserError):
            return link
        seen.append(link)
        link = link.__cause__ or link.__context__
    return next((lost for link in seen if (lost := _lost_worker(link)) is not None), None)


def _lost_worker(error: BaseException) -> UserError | None:
    found = _LOST_WORKER.search(str(error)) if isinstance(error, RuntimeError) else None
    if found is None:
        return None
    why = _WHY_LOST.get(found[1], f"by the signal '{found[1]}'")
    return UserError(
        f"a worker that reads scans was ended from outside, {why}; what is finished is kept: run the same command again with "
        "fewer --num_workers, and a training run with --resume auto"
    )


def reason_of(error: Exception) -> str:
    """Say in a few words of one line why a file can't be read or written, as the end of a sentence that names the file.

    Args:
        error: What opening, decoding or parsing it raised.
    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, UnicodeDecodeError):
        return "it is no text"
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return next(iter(str(error).splitlines()), "") or type(error).__name__


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Leave with exit code 1 and the lines of :func:`told` for a user's mistake, wherever in the chain of causes it stands."""
    try:
        yield
    except Exception as error:
        mistake = user_error(error)
        if mistake is None:
            raise
        show_chain(error)
        raise SystemExit("\n".join(told(mistake))) from None


def show_chain(error: BaseException) -> None:
    """Print the chain of exceptions behind a user's mistake, if that was asked for.

    Args:
        error: Exception as it was caught.
    """
    if os.environ.get(DEBUG, "0") not in ("", "0"):
        traceback.print_exception(error, file=sys.stderr)


def _last_line(mistake: UserError) -> str:
    """Extract the message itself; what a loader's worker raises arrives with the traceback in front of it."""
    lines = str(mistake).strip().splitlines()
    return lines[-1].partition(": ")[2] if len(lines) > 1 and lines[0].startswith("Caught ") else str(mistake)
