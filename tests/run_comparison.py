"""Compares run directories bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from admoe_monai.checkpoints import CheckpointError, read_checkpoint
from admoe_monai.run_files import TEST_LOOKS
from admoe_monai.workflows.run.starts import read_starts
from admoe_monai.workflows.verification.record import read_epochs

# What a continuation may have of its own: where and by whom it was started, not what it computed.
OF_THE_PROCESS = ("settings", "environment", "parent")


def differences(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """Name every place in which two values of a checkpoint differ; floats and tensors by their bits."""
    if type(one) is not type(other):
        yield f"{where}: {type(one).__name__} and {type(other).__name__}"
    elif isinstance(one, torch.Tensor):
        if one.dtype != other.dtype or one.shape != other.shape or not torch.equal(_bits(one), _bits(other)):
            yield where
    elif isinstance(one, dict):
        if list(one) != list(other):
            yield f"{where}: other keys"
        for key in one.keys() & other.keys():
            yield from differences(one[key], other[key], f"{where}/{key}")
    elif isinstance(one, (list, tuple)):
        if len(one) != len(other):
            yield f"{where}: {len(one)} and {len(other)} entries"
        for number, pair in enumerate(zip(one, other, strict=False)):
            yield from differences(*pair, f"{where}/{number}")
    elif repr(one) != repr(other):  # repr tells every float from every other, and nan from none
        yield f"{where}: {one} and {other}"


def run_differences(made: Path, expected: Path, since: int = 0) -> list[str]:
    """Name what two run directories differ in: checkpoints, stray files, metrics.csv.

    Args:
        made: of the run that was interrupted.
        expected: of the run that was not.
        since: first epoch that a run which goes on in a new folder has periodic files of.
    """
    earlier = {f"checkpoint_epoch_{epoch}.pth" for epoch in range(since)}
    found = [f"{name} in one of them" for name in sorted(run_files(made) ^ (run_files(expected) - earlier))]
    for name in sorted(path.name for path in expected.glob("*.pth") if (made / path.name).exists()):
        try:
            one, other = (_contents(folder / name) for folder in (made, expected))
        except CheckpointError as error:
            found.append(str(error))
        else:
            found += differences(one, other, name)
    if (made / "metrics.csv").read_bytes() != (expected / "metrics.csv").read_bytes():
        found.append("metrics.csv")
    mine, theirs = (read_epochs(folder / "digests.csv") for folder in (made, expected))
    # A run that goes on from a lone file has no records of the epochs before.
    if max(mine) != max(theirs) or any(mine[epoch] != theirs.get(epoch) for epoch in mine):
        found.append("digests.csv")
    # Its lines say how often and with what a run was started, which is of the process; a torn one would be an error.
    read_starts(made / "starts.jsonl")
    return found


def assert_same_run(made: Path, expected: Path, since: int = 0) -> None:
    """All files are there, hold the same bits, and nothing else is left behind; arguments as above."""
    assert run_differences(made, expected, since)[:10] == []  # of a run that went astray there are hundreds


def _contents(path: Path) -> dict[str, Any]:
    return {key: value for key, value in read_checkpoint(path).items() if key not in OF_THE_PROCESS}


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.contiguous().view(torch.uint8) if tensor.dim() else tensor.reshape(1).view(torch.uint8)


def run_files(folder: Path) -> set[str]:
    """Names of what training leaves in a run directory, but for event files: each start has one of its own for TensorBoard."""
    # Whoever evaluates a run that tests share leaves a record of the look.
    return {path.name for path in folder.iterdir() if path.name != TEST_LOOKS and not path.name.startswith("events.")}
