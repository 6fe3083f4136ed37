"""Config files of the user for the inside of a phase: their location and their contents."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from admoe_monai.errors import UserError

from .resources import resource


def overlay_file(name: str) -> str:
    """Find an overlay, in the working directory or among the configs of the package.

    Args:
        name: Path of the user's file, or name of a config of this package such as `bundle/configs/distributed.yaml`.
    """
    with contextlib.suppress(FileNotFoundError):
        return str(name if Path(name).exists() else resource(str(name)))
    return str(name)


def lasting_name(overlay: str) -> str:
    """Name an overlay so that it means the same from any working directory, and elsewhere if it is of this package.

    Args:
        overlay: Path or name, as `overlay_file` takes it.
    """
    file = overlay_file(overlay)
    with contextlib.suppress(OSError):
        if os.path.samefile(file, resource(overlay)):
            return overlay
    return os.path.abspath(file)


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
