"""`admoe stress`: a run's best model on disturbed test scans."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from admoe_monai.run_files import CONFIG

from .trust import Trust


def stress(
    run_dir: Annotated[Path, typer.Argument(help="Directory of a finished run.")],
    disturbances: Annotated[
        Path | None,
        typer.Option(help="YAML file with strengths in the place of the defaults, such as `noise: [0.02, 0.05]`."),
    ] = None,
    dataset_dir: Annotated[
        Path | None, typer.Option("--dataset_dir", help="Folder of the run's images, if moved.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder to write to; by default RUN_DIR/stress.", show_default=False)
    ] = None,
    device: Annotated[str | None, typer.Option(help="cuda or cpu.", show_default=False)] = None,
    trust: Trust = False,
) -> None:
    """Print what noise, a bias field, blur, coarse voxels, a turned head and missing clinical values cost.

    Each on the scans as they are read, before all preprocessing, with figures of the test split and their differences to the
    undisturbed scans of the same people. `admoe report` shows the table afterwards.
    """
    from admoe_monai.workflows.settings.trust import refuse_untrusted

    refuse_untrusted([run_dir / CONFIG], trust)
    from rich.console import Console

    from admoe_monai.workflows.finished.stress import read_strengths, stress_run

    strengths = None if disturbances is None else read_strengths(disturbances)
    found = stress_run(run_dir, strengths, dataset_dir, output, device)
    console = Console(markup=False)
    console.print(found.heading(), highlight=False)
    for leak in found.content["leakage"]:
        console.print(f"trained in spite of a leak: {leak}", highlight=False, markup=False)
    typer.echo(found.text())
    console.print(f"Written: {found.folder}", highlight=False)
