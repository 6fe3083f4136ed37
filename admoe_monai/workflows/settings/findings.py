"""Everything that is wrong with some config files and a command line, at once, each with its place.

Nothing here imports torch or MONAI, so that mistakes are answered at once. What only they can tell, such as whether a network
can be built, is left to who has imported them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError

from .checks import problems
from .command_line import refuse_replaced
from .evaluated import Evaluated
from .names import DOORS, ENTRY_KEYS, NUMBER, PREFIXES, declared_settings, is_short_form, refuse_unknown
from .short_forms import take_in
from .table import LISTS, SETTINGS, TEXTS
from .written import Written, read_written

COMMAND_LINE = "command line"
#: MONAI's references within a value: `@name`, `@name::entry`, `@name#0`, and the relative `@::entry`.
_REFERENCE = re.compile(r"@(?=[\w:#])(\w*)((?:::|#)+\w+)*")
#: Parts of the plan that an expression may refer to.
_PARTS = ("network_def", "phases", "settings")


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        place: File and line, or the command line.
        problem: What is wrong and what to do, in one line.
    """

    place: str
    problem: str

    def __str__(self) -> str:
        return self.problem if self.place == COMMAND_LINE else f"{self.place}: {self.problem}"


def findings(files: Sequence[Path], given: Mapping[str, Any]) -> list[Finding]:
    """Find what is wrong with settings.

    Args:
        files: Config files in the order in which they are merged.
        given: Values of the command line by setting.

    Returns:
        Findings in the order of the files, then of the command line, then of what must agree.
    """
    written, found = [], []
    for file in files:
        try:
            written.append(read_written(file))
        except UserError as error:
            found.append(Finding(COMMAND_LINE, str(error)))
    for config in written:
        for key, line in config.repeated.items():
            found.append(
                Finding(f"{config.file}, line {line}", f"{key} is set a second time, and only this value counts")
            )
        found += _of_values(config.content, config.place)
    found += _of_values(given, lambda _: COMMAND_LINE)
    return found or list(_of_all(written, given))


def refuse_mistakes(files: Sequence[Path], given: Mapping[str, Any]) -> None:
    """Refuse what :func:`findings` finds.

    Args:
        files: Config files in the order in which they are merged.
        given: Values of the command line by setting.

    Raises:
        UserError: Naming the file, the setting and the remedy; further findings are details.
    """
    found = list(map(str, findings(files, given)))
    if found:
        raise UserError(found[0], found[1:])


def _of_values(values: Mapping[str, Any], place: Any) -> Iterator[Finding]:
    known = [*declared_settings(), *ENTRY_KEYS, *DOORS]  # of the last, more is said later
    for key, value in values.items():
        name = _top(key)
        if name in ENTRY_KEYS or name in DOORS:
            continue
        if not is_short_form(name):
            yield from _said(place(key), refuse_unknown, [name], known)
        if place(key) != COMMAND_LINE and name in (*TEXTS, *LISTS):
            yield from _said(place(key), refuse_replaced, name, value)
        # All characters of a text count on the command line; whatever else is in MONAI's language, it alone can evaluate.
        language = [] if place(key) == COMMAND_LINE and name in TEXTS else list(_in_language(value, key))
        for way, text in language:
            yield from (Finding(place(way), f"{way} is '{text}': {said}") for said in _expression(text, known))
        if not language and name == key and name in SETTINGS:
            yield from _said(place(key), SETTINGS[name].kind, name, value)
        if key == "network" and isinstance(value, Mapping):
            yield from _of_encoder(value.get("encoder"), place)


def _of_encoder(encoder: Any, place: Any) -> Iterator[Finding]:
    """Look at what is put into our encoder in the place of settings: it is of the kinds that these are."""
    if isinstance(encoder, Mapping) and "_target_" not in encoder:
        for name, value in encoder.items():
            key = f"network::encoder::{name}"
            if name in SETTINGS and value is not None and not list(_in_language(value)):
                yield from _said(place(key), SETTINGS[name].kind, key, value)


def _said(place: str, function: Any, *arguments: Any) -> Iterator[Finding]:
    try:
        function(*arguments)
    except UserError as error:
        yield Finding(place, str(error))


def _expression(text: str, known: Iterable[str]) -> Iterator[str]:
    """Tell what MONAI's language will stumble over: a reference to nothing, or what is no Python."""
    names = {*known, *_PARTS}
    references = _REFERENCE.finditer(text) if text.startswith("$") else filter(None, [_REFERENCE.fullmatch(text)])
    for name in dict.fromkeys(match[1] for match in references):
        if name and name not in names:
            yield f"nothing is called {name} that @{name} could refer to; quote the text if it is one and begin it otherwise"
    if text.startswith("$"):
        try:
            ast.parse(_REFERENCE.sub("_", text[1:]).strip())
        except SyntaxError as error:
            yield f"MONAI reads what begins with $ as Python, and this is none ({error.msg})"


def _of_all(written: Sequence[Written], given: Mapping[str, Any]) -> Iterator[Finding]:
    """Look at what must agree, in the values that count in the end, as far as they are known without MONAI."""
    declared = declared_settings()
    values: dict[str, Any] = {}
    places: dict[str, tuple[int, str]] = {}
    in_part: set[str] = set()
    sources = [*((config.content, config.place) for config in written), (given, lambda _: COMMAND_LINE)]
    for number, (content, place) in enumerate(sources):
        for key, value in content.items():
            if key in (*ENTRY_KEYS, *DOORS):
                continue
            if _top(key) != key:
                in_part.add(_top(key))  # MONAI alone can put it in its place
                continue
            values[key] = value
            places[_whole(key)] = (number, place(key))
    merged = {**declared, **values}
    # A setting that is another one has its value; what other expressions become, MONAI alone can tell.
    merged = {key: merged.get(value[1:], value) if _is_text_of(value, "@") else value for key, value in merged.items()}
    unknown = in_part | {k for k, v in merged.items() if k not in (*TEXTS, "network") and any(_in_language(v))}
    unknown |= {_whole(key) for key in unknown}
    known = {key: value for key, value in merged.items() if not unknown & {key, _whole(key)}}
    if unknown & {"classes"}:
        known = {key: value for key, value in known.items() if not key.startswith(NUMBER)}
    try:
        take_in(known, declared)
    except UserError as error:
        yield Finding(COMMAND_LINE, str(error))
        return
    for name, said in problems(Evaluated(known)):
        # Of the settings that don't fit each other, the one set last is the user's.
        named = [name, *(other for other in places if re.search(rf"\b{re.escape(other)}\b", said))]
        yield Finding(max((places[n] for n in named if n in places), default=(0, COMMAND_LINE))[1], said)


def _whole(key: str) -> str:
    return next((whole for prefix, whole in PREFIXES.items() if is_short_form(key) and key.startswith(prefix)), key)


def _in_language(value: Any, way: str = "") -> Iterator[tuple[str, str]]:
    """Find the texts in a value that MONAI evaluates, with the way to each."""
    if isinstance(value, (Mapping, list, tuple)):
        for name, part in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _in_language(part, f"{way}::{name}")
    elif _is_text_of(value, "$", "@", "%"):
        yield way, value


def _is_text_of(value: Any, *beginnings: str) -> bool:
    return isinstance(value, str) and value.startswith(beginnings)


def _top(key: str) -> str:
    return re.split("::|#", key.lstrip("+"))[0]
