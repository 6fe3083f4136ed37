"""The overlay of a proposal: YAML with the reason of each line as a comment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from admoe_monai.errors import UserError
from admoe_monai.files import write_atomic

from .proposal import Proposal


def overlay_text(proposal: Proposal, datalist: Path) -> str:
    """Spell a proposal as a config file.

    Args:
        proposal: Proposal.
        datalist: Datalist that it is for; its name stands in the first line.
    """
    lines = {name: f"{name}: {_flow(value)}" for name, value in proposal.values.items()}
    width = max(map(len, lines.values()))
    said = [f"{line:<{width}}  # {proposal.reasons[name]}" for name, line in lines.items()]
    head = [
        f"# Proposed by `admoe propose` for {datalist.name}: {proposal.machine.name}, {proposal.machine.cores} cores.",
        *(f"# Note: {line}" for line in proposal.advice),
    ]
    return "\n".join([*head, *said]) + "\n"


def refuse_older(path: Path, force: bool) -> None:
    """Keep an older overlay from being replaced unasked.

    Args:
        path: Path of the file to be written.
        force: Whether the user asks for it.

    Raises:
        UserError: If there is such a file.
    """
    if path.exists() and not force:
        raise UserError(f"{path} is there already: name another file with --output, or replace it with --force")


def write_overlay(path: Path, text: str) -> None:
    """Write an overlay whole or not at all.

    Args:
        path: Path of the file.
        text: Contents of it.

    Raises:
        UserError: If the folder can't be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text)
    except OSError as error:
        raise UserError(f"{path} can't be written: {error.strerror}; name another file with --output") from error


def _flow(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n").strip()
