"""Parts that a user puts in the place of the package's own: merged where they are declared, recorded with their code."""

from __future__ import annotations

import hashlib
import inspect
import pydoc
import re
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError

from .resources import PACKAGE

_IMPORT = re.compile(r"\$\s*(?:import|from)\s+([\w.]+)")
_TARGET = re.compile(r"\w+(\.\w+)+")
#: Folders of what pip installs: the versions of the packages that matter are recorded with the machine.
_INSTALLED = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib", "stdlib"))


def merged(definition: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Merge a user's changes into the definition of a component.

    Args:
        definition: Definition in this package, with `_target_`.
        changes: Values by argument. A value that is a component itself is changed in the same way, unless its `_target_` is
            another one: then it replaces this package's definition entirely, whose arguments would mean nothing to it.
    """
    if changes.get("_target_", definition.get("_target_")) != definition.get("_target_"):
        return dict(changes)
    return {**definition, **{name: _merged_value(definition.get(name), value) for name, value in changes.items()}}


def _merged_value(ours: Any, theirs: Any) -> Any:
    return merged(ours, theirs) if isinstance(ours, Mapping) and isinstance(theirs, Mapping) else theirs


def code_digests(content: Any) -> dict[str, str]:
    """Digest the source of whatever a config names that is neither installed nor of this package.

    Args:
        content: Config or part of one; `_target_` and imports in it count.

    Returns:
        By dotted name 16 hexadecimal characters: of the files that define a class and those that it inherits from, or of a
        module.

    Raises:
        UserError: If importing a name fails.
    """
    digests = {}
    for name in sorted({*_names(content)}):
        files = _own_files(name)
        if files:
            digest = hashlib.sha256(b"".join(file.read_bytes() for file in files))
            digests[name] = digest.hexdigest()[:16]
    return digests


def _names(content: Any) -> Iterator[str]:
    if isinstance(content, Mapping):
        # An overlay may also say it in one key: `loss::_target_`.
        targets = (value for key, value in content.items() if str(key).split("::")[-1] == "_target_")
        yield from (target for target in targets if isinstance(target, str) and _TARGET.fullmatch(target))
    if isinstance(content, (Mapping, list)):
        for part in content.values() if isinstance(content, Mapping) else content:
            yield from _names(part)
    elif isinstance(content, str) and (found := _IMPORT.match(content)):
        yield found[1]


def _own_files(name: str) -> list[Path]:
    try:
        found = pydoc.locate(name)
    except pydoc.ErrorDuringImport as error:
        raise UserError(f"cannot import {name}, which a config names: {error.value}") from error
    if found is None:
        return []  # the error comes when it is built, and says where it stands
    parts = inspect.getmro(found) if inspect.isclass(found) else (inspect.unwrap(found) if callable(found) else found,)
    files = {file for part in parts if (file := _source_of(part)) is not None}
    return sorted(file for file in files if not any(file.is_relative_to(place) for place in (PACKAGE, *_INSTALLED)))


def _source_of(part: Any) -> Path | None:
    try:
        file = inspect.getsourcefile(part)
    except TypeError:  # built in
        return None
    return None if file is None else Path(file).resolve()
