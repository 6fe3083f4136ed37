"""`admoe evaluate`: a run's best model on its test set, or on another cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from admoe_monai.run_files import BEST_MODEL, CONFIG

from .trust import Trust


def evaluate(
    run_dir: Annotated[Path, typer.Argument(help="Directory of a finished run.")],
    datalist: Annotated[
        Path | None, typer.Option(help="Datalist of another cohort; by default the run's own.", show_default=False)
    ] = None,
    dataset_dir: Annotated[
        Path | None, typer.Option("--dataset_dir", help="Folder of its images.", show_default=False)
    ] = None,
    split: Annotated[str, typer.Option(help="training, validation or test.")] = "test",
    checkpoint: Annotated[str, typer.Option(help="File name within RUN_DIR.")] = BEST_MODEL,
    all_visits: Annotated[
        bool, typer.Option("--all_visits", help="All visits instead of each subject's first.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write to; by default RUN_DIR/evaluation, for another checkpoint or datalist a folder in it.",
            show_default=False,
        ),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate", help="Fit temperatures and prediction sets on the validation split and use them."),
    ] = False,
    device: Annotated[str | None, typer.Option(help="cuda or cpu.", show_default=False)] = None,
    trust: Trust = False,
) -> None:
    """Print test metrics with intervals and numbers of subjects, and write them and all predictions to files.

    With --checkpoint pretrain_checkpoint.pth: the error of reconstruction beside the training mean and interpolation.
    With --calibrate: log loss, Brier score and calibration error before and after, and how often prediction sets hold the
    true class, of which 90 % is promised; an exported bundle carries temperatures and sets.
    """
    from admoe_monai.workflows.settings.trust import refuse_untrusted

    refuse_untrusted([run_dir / CONFIG], trust)
    from rich.console import Console

    from admoe_monai.workflows.finished.evaluation import evaluate_run

    found = evaluate_run(
        run_dir, checkpoint, datalist, dataset_dir, split, not all_visits, output, calibrate=calibrate, device=device
    )
    console = Console(markup=False)
    console.print(found.heading(), highlight=False)
    for leak in found.about["leakage"]:
        console.print(f"trained in spite of a leak: {leak}", highlight=False, markup=False)
    typer.echo(found.text())
    for remark in found.remarks:
        typer.echo(f"note: {remark}")
    console.print(f"Written: {found.folder}", highlight=False)
