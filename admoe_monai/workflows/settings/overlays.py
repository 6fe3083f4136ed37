"""Config files of the user for the inside of a phase: their location, their contents, their copies in a run directory."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from admoe_monai.errors import UserError
from admoe_monai.files import sweep_temporaries, write_atomic
from admoe_monai.run_files import CONFIG, OVERLAYS

from .literal_text import literal
from .resources import resource

if TYPE_CHECKING:  # at run time it would cost seconds
    from monai.bundle import ConfigParser

_NUMBER = re.compile(r"(\d+)_")
_COPY = re.compile(rf"{OVERLAYS}/\d+_[\w.-]+")


def overlay_file(name: str) -> str:
    """Find an overlay, in the working directory or among the configs of the package.

    Args:
        name: Path of the user's file, or name of a config of this package such as `bundle/configs/distributed.yaml`.
    """
    with contextlib.suppress(FileNotFoundError):
        return str(name if Path(name).exists() else resource(str(name)))
    return str(name)


def find_copies(parser: ConfigParser, config_folder: Path) -> None:
    """Have a run's own config name the overlays that lie in the run's folder, wherever that is now.

    Args:
        parser: Parser of a config, before a user's own choices are put into it.
        config_folder: Folder of the config.
    """
    overlays = parser.config.get("phase_overlays")
    if isinstance(overlays, Mapping) and all(isinstance(files, list) for files in overlays.values()):
        found = {phase: [own_copy(file, config_folder) for file in files] for phase, files in overlays.items()}
        if found != overlays:
            parser["phase_overlays"] = literal(found)


def own_copy(file: Any, config_folder: Path) -> Any:
    """Find the copy of an overlay that a run's own config names; anything else stays as it is.

    Args:
        file: Entry of `phase_overlays`.
        config_folder: Folder of the config.
    """
    if not isinstance(file, str) or not _COPY.fullmatch(file):
        return file
    own = config_folder / file
    is_lost = (config_folder / CONFIG).is_file() and not Path(file).exists()
    return os.path.abspath(own) if own.is_file() or is_lost else file


def copy_overlays(overlays: Mapping[str, Sequence[str]], run_dir: Path) -> dict[str, list[str]]:
    """Copy overlays into a run directory, so that the run can be repeated without the originals.

    Files of one name and content share a copy, and a copy is never overwritten: earlier checkpoints may be of it.

    Args:
        overlays: Config files of each phase.
        run_dir: Folder of the run, locked by this process.

    Returns:
        Paths of the copies per phase, relative to the folder of the run.

    Raises:
        UserError: If one of them can't be read or written.
    """
    folder = run_dir / OVERLAYS
    sweep_temporaries(folder)
    return {phase: [f"{OVERLAYS}/{_copy(file, folder).name}" for file in files] for phase, files in overlays.items()}


def overlays_digest(overlays: Mapping[str, Sequence[str]]) -> str:
    """Digest what the user's overlays say, in 16 characters: they change a phase as settings do.

    Args:
        overlays: Config files of each phase.

    Raises:
        UserError: If one of them can't be read.
    """
    contents = {phase: b"".join(_bytes_of(file) for file in files) for phase, files in overlays.items()}
    digest = hashlib.sha256()
    if len({*contents.values()}) == 1:
        digest.update(next(iter(contents.values())))  # as before version 0.1.0, when all phases had the same
    else:
        for phase, content in contents.items():
            digest.update(f"{phase} {len(content)} ".encode() + content)
    return digest.hexdigest()[:16]


def _bytes_of(overlay: str) -> bytes:
    try:
        return Path(overlay_file(overlay)).read_bytes()
    except OSError as error:
        raise UserError(
            f"cannot read the phase overlay {overlay}: {error.strerror}; say where it is with --phase_overlays"
        ) from error


def _copy(file: str, folder: Path) -> Path:
    # A copy of a copy gets the same name, and no name needs MONAI's quoting.
    content, name = _bytes_of(file), re.sub(r"[^\w.-]", "_", _NUMBER.sub("", Path(file).name))
    numbers = {path: int(found[1]) for path in sorted(folder.glob("*")) if (found := _NUMBER.match(path.name))}
    for path in numbers:
        if _NUMBER.sub("", path.name) == name and path.read_bytes() == content:
            return path
    path = folder / f"{max(numbers.values(), default=0) + 1}_{name}"
    try:
        folder.mkdir(exist_ok=True)
        write_atomic(path, content)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
    return path
