"""What holds for every reader of files that others have written, and bytes and values that such files may hold.

For any input a reader gives a result or raises an error of its own kind, with a reason that fits in a line, and takes no
memory that the size of the input doesn't account for.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from hypothesis import event
from hypothesis import strategies as st

from admoe_monai.errors import UserError, told
from bounded_memory import bounded_memory


def survives(read: Callable[[], Any], kinds: type[Exception] | tuple[type[Exception], ...] = UserError) -> Any:
    """Call a reader; return its result, or None where it refuses the input with an error of one of these kinds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in a test they would be errors, and hide what comes behind them
        with bounded_memory():
            try:
                result = read()
            except kinds as error:
                event(type(error).__name__)
                lines = told(error) if isinstance(error, UserError) else [str(error)]
                assert all(line.isprintable() for line in lines), lines
                return None
    event("a result")
    return result


@st.composite
def mutated(draw: st.DrawFn, content: bytes, head: int | None = None) -> bytes:
    """Bytes of a valid file with some changed, taken out or put in, or its end cut off.

    Args:
        content: of the file.
        head: number of bytes at its beginning in which most changes fall; all by default.
    """
    data = bytearray(content)
    places = st.integers(0, (head or len(content)) - 1) | st.integers(0, len(content) - 1)
    for _ in range(draw(st.integers(1, 5))):
        if not data:
            break
        at = draw(places) % len(data)
        kind = draw(st.sampled_from(["byte", "bytes", "number", "cut", "insert", "remove"]))
        if kind == "byte":
            data[at] = draw(st.sampled_from([0, 1, 127, 128, 255]) | st.integers(0, 255))
        elif kind == "bytes":
            new = draw(st.binary(min_size=1, max_size=16))
            data[at : at + len(new)] = new
        elif kind == "number":
            width, order = draw(st.sampled_from([2, 4, 8])), draw(st.sampled_from(["little", "big"]))
            largest = (1 << 8 * width) - 1
            number = draw(st.sampled_from([largest, largest >> 1, 0, 1, 30000 % largest]) | st.integers(0, largest))
            data[at : at + width] = number.to_bytes(width, order)  # type: ignore[arg-type]
        elif kind == "cut":
            del data[at:]
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=16))
        else:
            del data[at : at + draw(st.integers(1, 16))]
    return bytes(data)


def plain_values(*words: str) -> st.SearchStrategy[Any]:
    """Anything that JSON or YAML can hold.

    Args:
        words: texts that mean something to the reader, which come up more often than others.
    """
    texts = st.sampled_from([*words, "", "nan", "1e-4", "\ud800", "a\nb", "../x", "/", "\0"]) | st.text(max_size=8)
    numbers = st.integers() | st.floats() | st.sampled_from([0, -1, 1, 10**400, 2**63, 1e308, 1.5])
    leaves = st.none() | st.booleans() | numbers | texts
    return st.recursive(
        leaves, lambda part: st.lists(part, max_size=3) | st.dictionaries(texts, part, max_size=3), max_leaves=6
    )


@st.composite
def altered(draw: st.DrawFn, content: Any, *words: str) -> Any:
    """A valid value of lists and mappings with some of its parts replaced, doubled or taken out.

    Args:
        content: the value; it is left as it is.
        words: as of :func:`plain_values`.
    """
    for _ in range(draw(st.integers(1, 4))):
        content = _altered_once(draw, content, plain_values(*words))
    return content


def _altered_once(draw: st.DrawFn, content: Any, values: st.SearchStrategy[Any]) -> Any:
    if not isinstance(content, (dict, list)) or not content or draw(st.integers(0, 5)) == 0:
        return draw(values)
    keys = list(content) if isinstance(content, dict) else list(range(len(content)))
    key = draw(st.sampled_from(keys))
    copy = dict(content) if isinstance(content, dict) else list(content)
    change = draw(st.sampled_from(["inside"] * 6 + ["remove", "add", "double"]))
    if change == "remove":
        del copy[key]
    elif change == "inside":
        copy[key] = _altered_once(draw, copy[key], values)
    elif isinstance(copy, list):
        copy.append(copy[key] if change == "double" else draw(values))
    elif change == "double":
        copy[f"{key}{draw(st.text(max_size=2))}"] = copy[key]
    else:
        copy[draw(st.text(max_size=6))] = draw(values)
    return copy
