"""`admoe inspect`: what is in a checkpoint of any origin, or what a config builds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from admoe_monai.errors import UserError

from .trust import Trust


def inspect(
    checkpoint: Annotated[Path | None, typer.Argument(help="A .pth file of any origin.", show_default=False)] = None,
    config: Annotated[
        list[Path] | None,
        typer.Option(
            "--config",
            help="Compare the file with the network of this config, or print its components; repeat it for overlays.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    trust: Trust = False,
) -> None:
    """Show what a CHECKPOINT holds, what a resume does with it and whether --pretrained can take it; trains nothing."""
    if checkpoint is None and not config:
        raise UserError("name a checkpoint, a --config, or both")
    from admoe_monai.workflows.settings.trust import refuse_untrusted

    refuse_untrusted(config or [], trust)
    from admoe_monai.workflows.finished.inspection import describe_config, describe_file
    from admoe_monai.workflows.finished.inspection_text import lines_of

    description = describe_config(config or []) if checkpoint is None else describe_file(checkpoint, config or [])
    if json:
        import json as json_module

        typer.echo(json_module.dumps(description, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        for line in lines_of(description):
            typer.echo(line)
