"""The two expressions that every entry point in `configs/` evaluates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from admoe_monai.errors import UserError

from .command_line import refuse_stray_words, take_as_typed
from .setting_texts import LISTS, TEXTS
from .settings import calling_workflow, complete


def compose() -> None:
    """Complete the config at hand with the declared settings and check it; `initialize` of an entry point."""
    workflow = calling_workflow()
    with one_line_errors():
        refuse_stray_words(workflow)
        complete(workflow.parser)
        take_as_typed(workflow.parser, TEXTS, LISTS)


def train() -> None:
    """Run the plan; `training` of an entry point."""
    workflow = calling_workflow()
    with one_line_errors():
        # Again, because a word that MONAI takes for the id of `initialize` has kept it from calling `compose`.
        refuse_stray_words(workflow)

    from .plan import Plan  # after the settings are known to be sound: this import costs seconds

    with one_line_errors():
        Plan(workflow.parser, workflow.config_root_path).run()


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


def user_error(error: BaseException) -> UserError | None:
    """The user's mistake behind an exception; MONAI wraps what a component raises.

    Args:
        error: any exception.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, UserError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def _last_line(mistake: UserError) -> str:
    """The message itself; what a loader's worker raises arrives with the traceback in front of it."""
    lines = str(mistake).strip().splitlines()
    return lines[-1].partition(": ")[2] if len(lines) > 1 and lines[0].startswith("Caught ") else str(mistake)
