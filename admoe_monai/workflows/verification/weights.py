"""The file of weights that a run began with, held against the digest that its checkpoints have of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError
from admoe_monai.workflows.run.hub import file_at_hand

from .deviation import Deviation
from .record import RunRecord


@dataclass(frozen=True)
class FirstWeights:
    """What was found of the file that a run began with.

    Attributes:
        name: Its path, or its name on the Hub.
        recorded: Digest that the run has of it: SHA-256, in hexadecimal.
        found: Digest of the file as it is now; None where it is not at hand.
    """

    name: str
    recorded: str
    found: str | None

    @property
    def is_as_recorded(self) -> bool:
        """Tell whether the file is at hand and what it was."""
        return self.found == self.recorded

    def __str__(self) -> str:
        if self.found is None:
            return f"{self.name}, SHA-256 {self.recorded[:16]}, is not at hand, so it was not compared"
        return f"{self.name}, SHA-256 {self.found[:16]}"


def first_weights(record: RunRecord, given: Mapping[str, Any]) -> FirstWeights | None:
    """Look for the file of weights that a run began with, and digest it; None if it drew its weights itself.

    Args:
        record: Record of the run.
        given: Settings of the caller: `pretrained` says where the file is now, if elsewhere than the run says.

    Raises:
        UserError: If a file is named for a run that began with none.
    """
    origins = [state.origin for state in record.states if state.origin is not None]
    if not origins:
        if given.get("pretrained") is not None:
            raise UserError(f"{record.folder} began with no weights of others; leave out --pretrained")
        return None
    # What most checkpoints say; the others are named.
    recorded = Counter(origin["sha256"] for origin in origins).most_common(1)[0][0]
    # A resume needs not name the file again.
    settings = [start.settings for start in record.starts] + [state.settings for state in record.states]
    named = (one.get("pretrained") for one in settings)
    name = given.get("pretrained") or next((name for name in named if name is not None), origins[0]["file"])
    path = file_at_hand(name)
    return FirstWeights(str(name), recorded, None if path is None else _digest(path))


def check_weights(record: RunRecord, weights: FirstWeights | None) -> list[Deviation]:
    """Compare the file with its record, and the records of the checkpoints with each other.

    Args:
        record: Record of the run.
        weights: What was found of the file.
    """
    if weights is None:
        return []
    found = [
        Deviation(state.path.name, "names other weights that the run began with than other checkpoints do")
        for state in record.states
        if state.origin is None or state.origin["sha256"] != weights.recorded
    ]
    if weights.found is not None and not weights.is_as_recorded:
        said = f"SHA-256 {weights.found[:16]}, recorded {weights.recorded[:16]}"
        found.append(Deviation(weights.name, f"is not the file of weights that the run began with: {said}"))
    return found


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
