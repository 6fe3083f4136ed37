"""What is wrong inside a component, or a phase: arguments that are not taken, references to nothing, keys that nothing reads.

Signatures are looked up, so this imports torch and MONAI, and whatever a config names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from monai.bundle import ReferenceResolver

from admoe_monai.errors import nearest

from .kinds import NUMBER_AS_TEXT, number_as_text
from .targets import (
    MODES,
    OWN_KEYS,
    arguments_of,
    at,
    located,
    no_target,
    not_taken,
)

#: Key and what is wrong with it, in one line that names the key.
Problem = tuple[str, str]
_REFERENCE = re.compile(r"@[\w:#]+")
#: What the code of a run asks a phase for, beside what its files refer to.
_ASKED = (
    "imports",
    "initialize",
    "run",
    "finalize",
    "train::trainer",
    "train::dataloader",
    "visits",
    "saver",
    "preprocessing",
)


def component_problems(written: Any, ours: Any, key: str) -> Iterator[Problem]:
    """Find what a component does not take.

    Args:
        written: What the user has written at the key.
        ours: Definition that it is merged over; None where it replaces that.
        key: Way to the part.
    """
    if isinstance(written, list):
        for number, part in enumerate(written):
            yield from component_problems(part, None, f"{key}::{number}")
    if not isinstance(written, Mapping):
        return
    same = isinstance(ours, Mapping) and written.get("_target_", ours.get("_target_")) == ours.get("_target_")
    base: Mapping[str, Any] = ours if same else {}
    target = written.get("_target_", base.get("_target_"))
    if written.get("_disabled_") is True:
        return  # MONAI does not look for it
    if isinstance(target, str) and not target.startswith(("$", "@")):
        yield from _of_target(target, written, key)
    for name, part in written.items():
        yield from component_problems(part, base.get(name), f"{key}::{name}")


def _of_target(target: str, written: Mapping[str, Any], key: str) -> Iterator[Problem]:
    found = located(target)
    if found is None:
        yield f"{key}::_target_", f"{key}::_target_: {no_target(target)}"
        return
    mode = written.get("_mode_", MODES[0])
    if mode not in MODES and isinstance(mode, str):
        yield f"{key}::_mode_", f"{key}::_mode_ must be one of {', '.join(MODES)}, got {mode!r}"
    arguments = arguments_of(found)
    for name in written:
        if arguments is not None and name not in (*arguments, *OWN_KEYS):
            yield f"{key}::{name}", f"{key}::{name}: {not_taken(target, str(name), arguments)}"


def argument_problems(written: Any, whole: Mapping[str, Any], key: str) -> Iterator[Problem]:
    """Find that a key of an overlay is an argument that its component does not take, or a component without its target.

    Args:
        written: What the overlay has at the key.
        whole: Config with all overlays.
        key: Key as the overlay has it, without a plus in front.
    """
    parent, _, name = key.rpartition("::")
    target = at(whole, parent).get("_target_") if parent and isinstance(at(whole, parent), Mapping) else None
    if (
        isinstance(target, str)
        and not target.startswith(("$", "@"))
        and (name == "_target_" or located(target) is not None)
    ):
        yield from _of_target(target, {name: written}, parent)


def replacement_problems(written: Any, ours: Mapping[str, Any], key: str) -> Iterator[Problem]:
    """Find that a component is replaced by what is none, where some of its arguments were meant.

    Args:
        written: What the overlay has at the key.
        ours: Config of the phase without overlays.
        key: Key as the overlay has it; one with a plus in front adds to what there is.
    """
    is_component = isinstance(at(ours, key), Mapping) and "_target_" in at(ours, key)
    if is_component and isinstance(written, Mapping) and "_target_" not in written:
        one = next(iter(written), "NAME")
        yield (
            key,
            f"{key} takes the place of a whole component, and has no _target_: to change arguments of it, write "
            f"{key}::{one}: ..., or +{key}",
        )


def reference_problems(written: Any, whole: Mapping[str, Any], key: str, known: Collection[str]) -> Iterator[Problem]:
    """Find references to nothing.

    Args:
        written: What the user has written at the key.
        whole: Config that it has become a part of.
        key: Way to it.
        known: Names that are known beside the keys of the config.
    """
    if isinstance(written, (Mapping, list)):
        for name, part in written.items() if isinstance(written, Mapping) else enumerate(written):
            yield from reference_problems(part, whole, f"{key}::{name}", known)
    elif isinstance(written, str):
        for reference in ReferenceResolver.match_refs_pattern(written):
            # A relative one counts from where it stands, which MONAI alone follows.
            missing = "" if reference.startswith("::") else _missing(reference, whole)
            if missing and reference.partition("::")[0] not in known:
                yield key, f"{key} refers to @{reference}, but nothing is called so{missing}"


def _missing(reference: str, whole: Any) -> str:
    """Return a hint at what else there is, or nothing if the reference leads somewhere."""
    way: list[str] = []
    for name in reference.split("::"):
        if isinstance(whole, Mapping):
            if name not in whole:
                near = nearest(name, map(str, whole), mark=";")
                there = "::".join(way)
                return near or (
                    f"; {there} has {', '.join(map(str, whole))}" if way else "; the files of the phase have all names"
                )
            whole = whole[name]
        elif isinstance(whole, list):
            if not name.isdecimal() or int(name) >= len(whole):
                return f"; {'::'.join(way)} has {len(whole)} entries, counted from 0"
            whole = whole[int(name)]
        else:
            return ""  # an expression or a reference, of which MONAI alone can tell
        way.append(name)
    return ""


def unread_problems(key: str, ours: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[Problem]:
    """Find a key of an overlay that is no argument, and that nothing refers to.

    Args:
        key: Key as the overlay has it, without a plus in front.
        ours: Config of the phase without overlays.
        whole: Config with all of them.
    """
    ways = key.split("::")
    place: Any = ours
    for number, name in enumerate(ways):
        if isinstance(place, Mapping) and "_target_" in place:
            return  # an argument
        if isinstance(place, Mapping) and name not in place:
            break
        if not isinstance(place, (Mapping, list)) or (isinstance(place, list) and not name.isdecimal()):
            yield key, f"{key}: {'::'.join(ways[:number])} has no parts of its own that could be set"
            return
        if isinstance(place, list) and int(name) >= len(place):
            way = "::".join(ways[:number])
            yield key, f"{key}: {way} has {len(place)} entries, counted from 0; +{way} adds one"
            return
        place = place[name] if isinstance(place, Mapping) else place[int(name)]
    else:
        return  # it takes the place of something that is read
    if number < len(ways) - 1 or not isinstance(place, Mapping):
        missing = "::".join(ways[: number + 1])
        yield (
            key,
            f"{key}: there is no {missing} that something could be set in{nearest(ways[number], map(str, place), mark=';')}",
        )
    elif not any(_covers(read, key) for read in (*_ASKED, *_references(whole))):
        yield key, f"{key}: nothing reads it{nearest(ways[-1], map(str, place), mark=';')}"


def _covers(read: str, key: str) -> bool:
    if read.startswith("::"):
        return key.rpartition("::")[2] in read.split("::")
    return f"{read}::".startswith(f"{key}::") or f"{key}::".startswith(f"{read}::")


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, (Mapping, list)):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _references(part)
    elif isinstance(value, str) and "@" in value:
        yield from ReferenceResolver.match_refs_pattern(value)


def text_problems(written: Any, key: str) -> Iterator[Problem]:
    """Find what begins with $ and is no Python, and numbers that YAML reads as texts.

    Args:
        written: What the user has written at the key.
        key: Way to it.
    """
    if isinstance(written, (Mapping, list)):
        for name, part in written.items() if isinstance(written, Mapping) else enumerate(written):
            yield from text_problems(part, f"{key}::{name}")
    elif isinstance(written, str) and written.startswith("$"):
        try:
            ast.parse(_REFERENCE.sub("_", written[1:]).strip())
        except SyntaxError as error:
            yield key, f"{key} is {written!r}: MONAI reads what begins with $ as Python, and this is none ({error.msg})"
    elif isinstance(written, str) and NUMBER_AS_TEXT.fullmatch(written):
        yield key, f"{key}: {number_as_text(written)}"
