"""`admoe report`: one page about a finished run, and its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from admoe_monai.run_files import CONFIG

from .trust import Trust


def report(
    run_dir: Annotated[Path, typer.Argument(help="Directory of a finished run.")],
    dataset_dir: Annotated[
        Path | None, typer.Option("--dataset_dir", help="Folder of the run's images, if moved.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder to write to; by default RUN_DIR/report.", show_default=False)
    ] = None,
    device: Annotated[str | None, typer.Option(help="cuda or cpu.", show_default=False)] = None,
    trust: Trust = False,
) -> None:
    """Write a self-contained HTML page and metrics.json.

    Test figures with intervals, beside the clinical values and the image alone, per group of people; calibration, training
    curves, and what the experts do.
    """
    from admoe_monai.workflows.settings.trust import refuse_untrusted

    refuse_untrusted([run_dir / CONFIG], trust)
    from admoe_monai.workflows.finished.report import write_report

    page = write_report(run_dir, output, device, dataset_dir)
    typer.echo(f"Written: {page} and {page.with_name('metrics.json')}")
