"""starts.jsonl: what each start of a run went on with, so that its epochs can be computed again as they were."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from admoe_monai.checkpoints import Checkpoint, state_digest, to_plain
from admoe_monai.errors import UserError
from admoe_monai.files import write_atomic
from admoe_monai.run_files import STARTS

from .continuation import SCORES, forget
from .start import Start


@dataclass(frozen=True)
class RunStart:
    """Line of starts.jsonl.

    Attributes:
        after: Last epoch that was complete; -1 at the beginning of a run.
        epoch: Epoch that came next; after an early stop, the first one after the phase.
        steps: Number of steps of that epoch that were done already.
        checkpoint: Name of the file that the run went on from; None at its beginning.
        forgotten: Names of the best scores that it had to forget, as their files were lost.
        state: Digest of the state that it went on from, without what was forgotten; None at the beginning.
        settings: Settings, resolved, as checkpoints have them.
        digests: Digests of what these point to.
        environment: Machine.
    """

    after: int
    epoch: int
    steps: int
    checkpoint: str | None
    forgotten: Sequence[str]
    state: str | None
    settings: Mapping[str, Any]
    digests: Mapping[str, str]
    environment: Mapping[str, Any]

    @property
    def place(self) -> tuple[int, int]:
        """Return where in the run it stands: later is greater."""
        return self.epoch, self.steps


def note_start(folder: Path, start: Start, forgotten: Sequence[str], common: Mapping[str, Any]) -> None:
    """Append a line to the record of starts; a run that goes on in a new folder takes the lines before along.

    Args:
        folder: Folder of the run, locked by this process.
        start: Point from which the run goes on.
        forgotten: Names of the best scores that it has forgotten.
        common: What all checkpoints to come have in common.

    Raises:
        UserError: If the file can't be read or written; it is then as it was.
    """
    checkpoint = start.checkpoint
    line = RunStart(
        after=-1 if checkpoint is None else checkpoint["epoch"],
        epoch=start.epoch,
        steps=0 if checkpoint is None else checkpoint["iteration"] % checkpoint["epoch_length"],
        checkpoint=None if start.path is None else start.path.name,
        forgotten=forgotten,
        state=None if checkpoint is None else state_digest(checkpoint),
        **{name: common[name] for name in ("settings", "digests", "environment")},
    )
    try:
        # Where a run goes on from another folder, what a start that came to nothing has left here is none of it.
        files = ([] if start.path is None else [start.path.parent / STARTS]) + [folder / STARTS]
        lines = next((file.read_bytes().splitlines() for file in files if file.exists()), [])
        # A line that was damaged since stays as it is: no reason not to go on.
        new = json.dumps(to_plain(asdict(line))).encode()
        write_atomic(folder / STARTS, b"".join(old + b"\n" for old in [*lines, new]))
    except OSError as error:
        raise UserError(f"cannot write {folder / STARTS}: {error.strerror}; make room and start again") from error


def granted_before(folder: Path, checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what the last start went on under, if it was from this very state: a kill may have come before its first save.

    Args:
        folder: Folder that the run goes on in.
        checkpoint: Contents of the checkpoint that it is about to go on from.

    Returns:
        Settings, digests and machine of that start, by name, all of which it was allowed; empty if there was none.
    """
    try:
        # Lines before it may be damaged: they are no reason not to go on.
        last = _start(json.loads((folder / STARTS).read_bytes().splitlines()[-1]), "the last line")
    except (OSError, ValueError, IndexError, RecursionError):
        return {}
    state = copy.copy(checkpoint)
    forget(state, last.forgotten)
    if last.state != state_digest(state):
        return {}
    return {**last.settings, **last.digests, **last.environment}


def read_starts(path: Path) -> list[RunStart]:
    """Read the record of starts, in the order of time; none of a run that an older version made.

    Args:
        path: File starts.jsonl of the run.

    Raises:
        UserError: If the file is damaged.
    """
    starts = []
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            starts.append(_start(json.loads(line), f"{path}, line {number}"))
    except FileNotFoundError:
        return []
    except json.JSONDecodeError as error:
        raise UserError(f"{path}, line {len(starts) + 1}: not JSON ({error.msg})") from error
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path} can't be read: {error}") from error
    return starts


#: Kind of each entry of a line that always has a value.
_KINDS: dict[str, type] = {
    "after": int, "epoch": int, "steps": int, "forgotten": list, "settings": dict, "digests": dict, "environment": dict,
}  # fmt: skip


def _start(entry: Any, where: str) -> RunStart:
    names = {*_KINDS, "checkpoint", "state"}
    is_whole = isinstance(entry, dict) and entry.keys() == names and all(type(entry[n]) is k for n, k in _KINDS.items())
    # Without these a run can't be looked at; all else has a default, or shows when epochs are computed.
    if not is_whole or any(not isinstance(entry[part].get("datalist"), str) for part in ("settings", "digests")):
        raise UserError(f"{where}: not the record of a start")
    if any(score not in SCORES for score in entry["forgotten"]):
        raise UserError(f"{where}: best scores that no run has: {entry['forgotten']}")
    return RunStart(**entry)
