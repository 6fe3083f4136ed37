"""Memory of the parts that this user's own runs were trained with, so that nobody is asked to trust himself.

That a file belongs to a user says nothing: so does what he has unpacked from an archive. What he has trained with here, he has
run already. The memory is a file of digests in the user's folder of state; runs without such parts leave none.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .executed import executed

logger = logging.getLogger(__name__)


def parts_digest(content: Mapping[str, Any]) -> str | None:
    """Digest what a config would run, with all that is handed to it; None if that is nothing.

    Args:
        content: Config as it is written.
    """
    keys = {key for key, _ in executed(content)}
    if not keys:
        return None
    parts = {key: value for key, value in content.items() if key in keys}
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def remember(contents: Iterable[Mapping[str, Any]]) -> None:
    """Remember the parts that some configs name; where the folder can't be written to, the user is asked instead.

    Args:
        contents: Configs as they are written, which are about to be run.
    """
    found = {digest for content in contents if (digest := parts_digest(content)) is not None}
    new = sorted(found - remembered())
    if not new:
        return
    try:
        _memory().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(_memory(), "a", encoding="utf-8") as file:
            file.write("".join(f"{digest}\n" for digest in new))
    except OSError as error:
        logger.debug("cannot write %s: %s", _memory(), error.strerror)


def remembered() -> set[str]:
    """Return the digests of parts that were remembered."""
    try:
        if _memory().stat().st_uid != os.geteuid():  # with sudo, HOME can be another user's
            return set()
        return set(_memory().read_text(encoding="utf-8").split())
    except (OSError, ValueError):
        return set()


def _memory() -> Path:
    folder = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(folder, "admoe_monai", "own_parts")
