"""The terminal that a command prints to."""

from __future__ import annotations

import os


def width() -> int | None:
    """Return the width to print in; None where a program reads, which wants a line per row."""
    from rich.console import Console

    console = Console(markup=False)
    return console.width if console.is_terminal or "COLUMNS" in os.environ else None
