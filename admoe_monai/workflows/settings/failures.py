"""Where in a config an exception came up, and why: MONAI (1.6.1) chains exceptions that name neither key nor cause in a line.

The key is read off the frames of the traceback: MONAI resolves one id at a time, and no message says which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from monai.bundle import ConfigParser, ReferenceResolver

from admoe_monai.errors import nearest, root_cause

from .kinds import NUMBER_AS_TEXT, number_as_text
from .names import DOORS
from .targets import arguments_of, at, located, no_target, not_taken

_REFERENCE = re.compile(r"the referring item `@(.+)` is not defined")
_ABSENT = re.compile(r"id='(.+)' is not found in the config resolver")
_CIRCLE = re.compile(r"detected circular references '(.+)' for id='(.+)'")
_TARGET = re.compile(r"Cannot locate class or function path: '(.+)'")
_ARGUMENT = re.compile(r"unexpected keyword argument '(\w+)'")


@dataclass(frozen=True)
class Failure:
    """Failure of a part of a config.

    Attributes:
        key: Key of the part, as the user writes it: `network::encoder::embed_dim`, `optimizer::lr`.
        said: What is wrong with it, in one line.
        is_of_argument: Whether it is an argument that is not taken.
    """

    key: str
    said: str
    is_of_argument: bool = False


def failure_of(error: BaseException) -> Failure | None:
    """Find the key that an exception of MONAI's config parser is about.

    Args:
        error: Exception as it was caught.

    Returns:
        None if it did not come out of a config.
    """
    key, config, is_set = _place(error)
    if key is None:
        return None
    if is_set:
        parent, _, last = key.rpartition("::")
        return _failure([key], f"there is no {parent} with a part {last!r} that could be set{_near(parent, config)}")
    content = at(config, key)
    for link in _chain(error):
        if found := _REFERENCE.match(str(link)) or _ABSENT.search(str(link)):
            name = found[1]
            path = [key, *_path_of_text(content, f"@{name}")] if name != key else _path_of_text(config, f"@{name}")
            said = f"nothing is called {name} that @{name} could refer to"
            return _failure(path or [key], f"{said}{_near(name, config)}")
        if found := _CIRCLE.match(str(link)):
            return _failure([key], f"refers to itself, by way of @{found[1]}")
        if found := _TARGET.match(str(link)):
            return _failure([key, *_path_of_value(content, found[1])], no_target(found[1]))
    cause = root_cause(error)
    said = next(iter(str(cause).splitlines()), "")
    kind = "" if isinstance(cause, ValueError) and said else f"{type(cause).__name__}: "
    if isinstance(cause, TypeError) and (number := _number_as_text(content)):
        return _failure([key, *number[0]], number_as_text(number[1]))
    if (found := _ARGUMENT.search(said)) and (path := _path_of_key(content, found[1])):
        target = at(content, "::".join(path[:-1])).get("_target_")
        arguments = arguments_of(located(target)) if isinstance(target, str) else None
        if arguments is None or found[1] in arguments:
            return _failure([key, *path], said, True)
        return _failure([key, *path], not_taken(str(target), found[1], arguments), True)
    text = f" is '{content}'" if isinstance(content, str) else ""
    return Failure(f"{_as_written(key)}{text}", f"{kind}{said}".removesuffix(": "))


def _failure(path: list[str], said: str, is_of_argument: bool = False) -> Failure:
    return Failure(_as_written("::".join(path)), said, is_of_argument)


def _as_written(key: str) -> str:
    """Name a part as the user does: what is merged over the network's definition is the setting `network`."""
    first, separator, rest = key.partition("::")
    return f"{DOORS.get(first, first)}{separator}{rest}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__


def _place(error: BaseException) -> tuple[str | None, Any, bool]:
    """Find the id that was being resolved, or set, when an exception came up, the config that it is of, and which it was."""
    key, config, is_set = None, None, False
    traceback = error.__traceback__
    while traceback is not None:
        values, name = traceback.tb_frame.f_locals, traceback.tb_frame.f_code.co_name
        owner = values.get("self")
        if isinstance(owner, ConfigParser):
            config = owner.config
            if name == "__setitem__":
                key, is_set = str(values.get("id")), True
        elif isinstance(owner, ReferenceResolver) and name == "_resolve_one_item":
            key, is_set = str(values.get("id")), False
        traceback = traceback.tb_next
    return key, config, is_set


def _paths(content: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[list[str], Any]]:
    yield list(path), content
    if isinstance(content, Mapping):
        for name, value in content.items():
            yield from _paths(value, (*path, str(name)))
    elif isinstance(content, list):
        for number, value in enumerate(content):
            yield from _paths(value, (*path, str(number)))


def _path_of_text(content: Any, text: str) -> list[str]:
    word = re.compile(rf"{re.escape(text)}(?![\w:])")
    return next((path for path, value in _paths(content) if isinstance(value, str) and word.search(value)), [])


def _path_of_value(content: Any, value: Any) -> list[str]:
    return next((path for path, found in _paths(content) if found == value), ["_target_"])


def _path_of_key(content: Any, name: str) -> list[str]:
    return next((path for path, _ in _paths(content) if path and path[-1] == name), [])


def _near(name: str, config: Any) -> str:
    return nearest(
        name, {"::".join(path) for path, _ in _paths(config) if path and len(path) <= name.count("::") + 1}, mark=";"
    )


def _number_as_text(content: Any) -> tuple[list[str], str] | None:
    texts = (
        (path, value) for path, value in _paths(content) if isinstance(value, str) and NUMBER_AS_TEXT.fullmatch(value)
    )
    return next(texts, None)
