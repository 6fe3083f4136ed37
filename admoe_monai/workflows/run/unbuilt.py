"""What can't be built from the settings, in words for the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from admoe_monai.errors import UserError, root_cause
from admoe_monai.workflows.settings.failures import failure_of

#: What to say of an argument that the network does not take.
ENCODER_HINT = "what the encoder takes stands under network: {encoder: ...}"


@contextmanager
def in_words(what: str, own: bool, hint: str = "") -> Iterator[None]:
    """Answer what a component of a config objects to in one line that names its key.

    A constructor's ValueError or TypeError is about a value that the user has set. Any other exception is the user's where they
    have put parts of their own into the config, and a mistake of this package where they have not: then it stays as it is.

    Args:
        what: What is built: the network, or the name of a phase.
        own: Whether the user has put parts of their own into it.
        hint: What to say of an argument that is not taken.

    Raises:
        UserError: For the user's mistakes.
    """
    try:
        yield
    except Exception as error:
        cause = root_cause(error)
        if cause is error and isinstance(error, UserError):
            raise
        if isinstance(cause, UserError):
            raise cause from error
        failure = failure_of(error) if own else None
        said = next(iter(str(cause).splitlines()), type(cause).__name__)
        if failure is not None:
            remedy = f"; {hint}" if hint and failure.is_of_argument and failure.key.count("::") == 1 else ""
            raise UserError(f"{what} can't be built: {failure.key}: {failure.said}{remedy}") from error
        if not isinstance(cause, (ValueError, TypeError)):
            raise
        remedy = f"; {hint}" if hint and "unexpected keyword" in str(cause) else ""
        raise UserError(f"{what} can't be built from these settings: {said}{remedy}") from error
