"""What a `_target_` of a config names, and what can be given to it."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Iterable, Mapping
from typing import Any

from monai.bundle import ComponentLocator

from admoe_monai.errors import nearest

from .executed import HARMLESS_MODES

#: Keys of a component that are MONAI's own and no arguments.
OWN_KEYS = ("_target_", "_mode_", "_disabled_", "_requires_", "_desc_")
MODES = (*HARMLESS_MODES, "debug")


def located(target: str) -> Any:
    """Find what MONAI would make of a `_target_`.

    Args:
        target: Dotted name, or the name of something in MONAI.

    Returns:
        Class or function; None if there is none, or the module that it should be in can't be imported.
    """
    name = target
    if "." not in target:
        module = ComponentLocator().get_component_module_name(target)
        name = f"{module[0] if isinstance(module, list) else module}.{target}" if module else target
    try:
        return pydoc.locate(name)
    except pydoc.ErrorDuringImport:
        return None


def no_target(target: str) -> str:
    """Say that nothing is called so, what is called nearly so, and up to which module the name leads.

    Args:
        target: Dotted name that nothing has.
    """
    module, _, name = target.rpartition(".")
    place = located(module) if module else None
    if place is None:
        return f"nothing can be imported by the name {target!r}: is the package installed, or its folder on PYTHONPATH?"
    hint = nearest(name, (known for known in dir(place) if not known.startswith("_")), mark=";")
    return f"{module} has no {name!r}{hint}"


def arguments_of(found: Any) -> list[str] | None:
    """List the arguments that a class or function takes by name; None if that is left open.

    Args:
        found: What :func:`located` has found.
    """
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):  # built in, or none of both
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return [parameter.name for parameter in parameters if parameter.kind is not parameter.POSITIONAL_ONLY]


def not_taken(target: str, name: str, arguments: Iterable[str]) -> str:
    """Say that a component does not take an argument, and which it takes.

    Args:
        target: Name of the component.
        name: Argument that it does not take.
        arguments: Those that it takes.
    """
    arguments = list(arguments)
    hint = nearest(name, arguments, mark=";") or f"; it takes {', '.join(arguments) or 'none'}"
    return f"{target.rpartition('.')[2]} takes no {name!r}{hint}"


def at(config: Any, key: str) -> Any:
    """Return what a config has at a key; an empty mapping where there is nothing.

    Args:
        config: Config, as it is written.
        key: Names and numbers of entries, with `::` between them.
    """
    for part in filter(None, key.split("::")):
        if isinstance(config, Mapping) and part in config:
            config = config[part]
        elif isinstance(config, list) and part.isdecimal() and int(part) < len(config):
            config = config[int(part)]
        else:
            return {}
    return config
