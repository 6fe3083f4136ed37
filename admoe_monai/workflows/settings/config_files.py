"""Config files by name: entry points and overlays of this package, or files of the user.

Nothing here imports torch or MONAI, so that a mistake is answered at once.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from admoe_monai.errors import UserError

from .names import DOORS, ENTRY_KEYS, declared_settings, is_short_form, refuse_unknown
from .resources import resource
from .table import SETTINGS

ENTRY = "configs/train.yaml"
FOLDERS = ("configs", "configs/overlays")


def known_configs() -> dict[str, Path]:
    """Collect the entry points and overlays of this package by their names."""
    return {path.stem: path for folder in FOLDERS for path in sorted(resource(folder).glob("*.yaml"))}


def config_files(words: Iterable[str]) -> list[Path]:
    """Find the files that some words name, the entry point first.

    Args:
        words: Names such as `tiny`, and paths of config files; without an entry point among them, it is configs/train.yaml.

    Raises:
        UserError: For a word that names no file, a file that can't be read, or a second entry point.
    """
    files = [_find(word) for word in words]
    entries = [file for file in dict.fromkeys(files) if "training" in read_config(file)]
    if len(entries) > 1:
        raise UserError(
            f"{entries[0]} and {entries[1]} are both entry points: name one of them, and overlays beside it"
        )
    entry = entries or [_shown(resource(ENTRY))]
    return entry + [file for file in files if file not in entry]


def _find(word: str) -> Path:
    if Path(word).is_file():
        return Path(word)
    known = known_configs()
    if word in known:
        return _shown(known[word])
    nearest = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f"did you mean '{nearest[0]}'?" if nearest else f"there are {', '.join(known)}, and files of yours"
    raise UserError(f"there is no config file '{word}', and no config of that name: {hint}")


def _shown(path: Path) -> Path:
    """Shorten a path within the working directory, as a user would write it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def read_config(file: Path) -> dict[str, Any]:
    """Read a config file as it is written.

    Args:
        file: YAML or JSON.

    Raises:
        UserError: If it can't be read or holds something else.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where is not None else ""
        problem = getattr(error, "problem", None) or getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise UserError(f"cannot read {file}{line}: {problem}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UserError(f"{file} is no config: it holds a {type(content).__name__} where settings are expected")
    return {str(key): value for key, value in content.items()}


def refuse_mistakes(files: Sequence[Path], given: Mapping[str, Any]) -> None:
    """Refuse names that nothing reads and values of a wrong kind, as far as they show before anything is imported.

    Args:
        files: Config files in the order in which they are merged.
        given: Values of the command line by setting.

    Raises:
        UserError: Naming the file, the setting and the remedy.
    """
    known = [*declared_settings(), *ENTRY_KEYS, *DOORS]  # of the last, more is said later
    for file in files:
        content = read_config(file)
        refuse_unknown(filter(_is_whole, map(_top, content)), known, f"setting in {file}:")
        _check_kinds(content, f"{file}: ")
    refuse_unknown(filter(_is_whole, map(_top, given)), known)
    _check_kinds(given)


def _top(key: str) -> str:
    return re.split("::|#", key.lstrip("+"))[0]


def _is_whole(name: str) -> bool:
    return not is_short_form(name)


def _check_kinds(values: Mapping[str, Any], where: str = "") -> None:
    for name, value in values.items():
        if name not in SETTINGS or (isinstance(value, str) and value[:1] in ("$", "@", "%")):
            continue
        try:
            SETTINGS[name].kind(name, os.path.expanduser(value) if isinstance(value, str) else value)
        except UserError as error:
            raise UserError(f"{where}{error}") from None
