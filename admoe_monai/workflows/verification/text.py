"""What a verification has found, in lines."""

from __future__ import annotations

from .files import absent_files
from .record import RunRecord
from .replay import Replay
from .verify import Verification


def lines_of(found: Verification) -> list[str]:
    """Format what was found; the last line is the answer.

    Args:
        found: What was found.
    """
    machine = ", ".join(f"{name} {value}" for name, value in found.machine.items())
    here = "; ".join(found.machine_differs)
    lines = [
        f"Run:      {found.record.folder}, {_epochs(found.record)}",
        f"Computed: {machine}",
        f"Here:     {here + ': other bits are no proof of anything' if here else 'the same'}",
        f"Files:    {len(found.record.states)} checkpoints, {len(found.record.metrics)} rows of metrics, settings, datalist",
    ]
    if absent := absent_files(found.record):
        lines.append(f"Absent:   {'; '.join(absent)}: compared with nothing")
    lines += [f"Replayed: {_replay(done)}" for done in found.replays]
    if found.record.first > 0:
        lines.append(f"Older:    there is no record of the epochs before {found.record.first}")
    if found.weights is not None:
        lines.append(f"Weights:  begun with {found.weights}")
    lines += [f"Left out: {reason}" for reason in found.left_out]
    if found.not_replayed:
        lines.append(f"Replayed: none; {found.not_replayed}")
    unique = dict.fromkeys(map(str, found.deviations))
    lines += [f"  differs: {line}" for line in unique]
    if unique:
        return [*lines, f"NOT AS CLAIMED: {len(unique)} difference{'s' * (len(unique) > 1)}"]
    computed = sum(done.number for done in found.replays)
    if computed == 0:
        return [*lines, "As claimed as far as files tell: they are as recorded; no epoch was computed again"]
    epochs = "1 epoch computed again has" if computed == 1 else f"{computed} epochs computed again have"
    return [*lines, f"As claimed: files are as recorded, and {epochs} the same bits"]


def _epochs(record: RunRecord) -> str:
    return f"epochs {min(record.epochs)} to {max(record.epochs)}" if record.epochs else "no epoch"


def _replay(done: Replay) -> str:
    which = f"epoch {done.first}" if done.first == done.last else f"epochs {done.first} to {done.last}"
    ended = "; ended at the first difference" if done.deviations else ""
    return f"{which}, from {done.begin or 'the beginning'}{ended}"
