"""`admoe inspect`: what is in a checkpoint, or what a config builds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from admoe_monai.errors import UserError


def inspect(
    checkpoint: Annotated[Path | None, typer.Argument(help="A .pth file.", show_default=False)] = None,
    config: Annotated[
        list[Path] | None,
        typer.Option("--config", help="Print the components that this config builds; repeat the option for overlays."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show phase, position, scores and components of a CHECKPOINT, or the components of a --config, without training."""
    if (checkpoint is None) == (not config):
        raise UserError("name either a checkpoint or a --config")
    from admoe_monai.workflows.inspection import describe_checkpoint, describe_config

    description = describe_config(config or []) if checkpoint is None else describe_checkpoint(checkpoint)
    if json:
        import json as json_module

        typer.echo(json_module.dumps(description, indent=1, ensure_ascii=False))
    else:
        for line in _lines(description):
            typer.echo(line)


def _lines(description: dict[str, Any]) -> list[str]:
    lines = []
    for key, value in description.items():
        if isinstance(value, dict):
            lines.append(f"{key}:")
            lines += [f"  {k:<20}: {v:>12,}" if isinstance(v, int) else f"  {k:<20}: {v}" for k, v in value.items()]
        else:
            lines.append(f"{key:<22}: {value}")
    return lines
