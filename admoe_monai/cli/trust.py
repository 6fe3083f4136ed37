"""The option of commands that would build what a folder or a file of others names."""

from __future__ import annotations

from typing import Annotated

import typer

Trust = Annotated[
    bool, typer.Option("--trust", help="Run what its configs name, though they are not of this package: they are code.")
]
