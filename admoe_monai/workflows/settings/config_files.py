"""Config files by name: entry points and overlays of this package, or files of the user.

Nothing here imports torch or MONAI, so that a mistake is answered at once.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError

from .resources import resource
from .written import read_written

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
    # MONAI stumbles over a file of comments alone.
    files = [file for file in map(_find, words) if read_config(file)]
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
    return dict(read_written(file).content)
