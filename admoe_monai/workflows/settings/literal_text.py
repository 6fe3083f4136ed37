"""Text that MONAI's config language must not read: paths and names with `#`, `@`, `%` and `$`."""

from __future__ import annotations

import ast
import contextlib
from typing import Any

_MARKS = "#@%$"
_TARGET = "_target_"


def literal(value: Any) -> Any:
    """Spell a value in a config so that MONAI (1.6.1) reads that value.

    MONAI replaces `#` in every text by `::`, resolves what begins with `@` and `%`, and evaluates what begins with `$`; within
    an expression, `@` and `#` mean the same. So such a text becomes an expression in which none of these characters stands, and
    so does a dictionary that MONAI would take for a component: in a value, as a file of others may hold it, nothing is called.

    Args:
        value: Text; texts within lists and dictionaries are spelled likewise, all else stays as it is.
    """
    if isinstance(value, dict) and _TARGET in value:
        return _expression(value)
    if isinstance(value, dict):
        return {key: literal(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [literal(part) for part in value]
    if not isinstance(value, str) or not _is_read(value):
        return value
    return _expression(value)


def plain(value: Any) -> Any:
    """Return what a value stands for without evaluating anything: the way back from :func:`literal`.

    Args:
        value: As it stands in a config; what is no literal stays as it is.
    """
    if isinstance(value, str) and value.startswith("$"):
        with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            return ast.literal_eval(value[1:].strip())
    return value


def _expression(value: Any) -> str:
    return "$" + "".join(f"\\x{ord(c):02x}" if c in _MARKS else c for c in repr(value))


def _is_read(text: str) -> bool:
    return "#" in text or text[:1] in ("@", "%", "$") or "@::" in text or "%::" in text
