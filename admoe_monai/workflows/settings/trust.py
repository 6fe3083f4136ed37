"""The question whether a user trusts a config that would run code, before anything of it is built.

Nothing here imports torch or MONAI, and nothing of a config is evaluated.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError
from admoe_monai.run_files import CONFIG

from .executed import executed
from .literal_text import plain
from .overlays import overlay_file, own_copy
from .own_parts import parts_digest, remembered
from .resources import resource
from .written import Written, read_written

_OVERLAYS = "phase_overlays"
_METADATA = "metadata.json"
#: Folders of configs that came with this package.
_OURS = ("configs", "configs/overlays", "bundle/configs")


def refuse_untrusted(files: Sequence[Path], trust: bool) -> None:
    """Refuse configs that would run code of others: in them, or in the phase overlays that they name.

    Args:
        files: Config files; what can't be read is left to those who need it.
        trust: Whether the user has said that he trusts whoever wrote them.

    Raises:
        UserError: Naming the first thing that would run, and where it stands.
    """
    if trust:
        return
    known = remembered()
    for written in _with_overlays(files):
        if _is_ours(written.file) or parts_digest(written.content) in known:
            continue
        found = [f"{written.place(key)}, would run {text!r}" for key, text in executed(written.content)]
        if found:
            raise UserError(trust_message(found))


def handed_over(files: Sequence[Path]) -> list[Path]:
    """Choose the configs of runs and bundles, which have come with their folder; others are named in order to be run.

    Args:
        files: Config files.
    """
    ours = [resource(folder).resolve() for folder in _OURS]
    return [
        file
        for file in files
        if file.name == CONFIG or ((file.parent / _METADATA).exists() and file.parent.resolve() not in ours)
    ]


def trust_message(found: Sequence[str]) -> str:
    """Format the refusal.

    Args:
        found: What would run, one line each; the first is shown.
    """
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{found[0]}{more}: a config of others is code; if you know its author and have looked at it, add --trust"


def _with_overlays(files: Sequence[Path]) -> Iterator[Written]:
    for file in files:
        written = _read(file)
        if written is None:
            continue
        yield written
        for key, value in written.content.items():
            if key.lstrip("+").startswith(_OVERLAYS):
                for name in _texts(value):
                    # Which folder counts, depends on how the setting is written and on what stands beside it.
                    copies = (own_copy(name, folder.parent) for folder in (file, files[0]))
                    for path in dict.fromkeys(map(overlay_file, (name, *copies))):
                        overlay = _read(Path(path))
                        if overlay is not None:
                            yield overlay


def _read(file: Path) -> Written | None:
    try:
        return read_written(file)
    except UserError:
        return None


def _texts(value: Any) -> Iterator[str]:
    value = plain(value)  # what is no literal has been refused
    if isinstance(value, str):
        yield value
    elif isinstance(value, (Mapping, list)):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(part)


def _is_ours(file: Path) -> bool:
    """Tell whether a file is one of this package, or a copy of one such as a run directory holds."""
    try:
        content = file.read_bytes()
        return any(content == own.read_bytes() for own in _own_files() if own.stat().st_size == len(content))
    except OSError:
        return False


def _own_files() -> Iterator[Path]:
    for folder in _OURS:
        yield from (path for path in resource(folder).iterdir() if path.is_file() and os.access(path, os.R_OK))
