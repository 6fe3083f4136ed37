"""`admoe evaluate`: a run's best model on its test set, or on another cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from admoe_monai.errors import UserError


def evaluate(
    run_dir: Annotated[Path, typer.Argument(help="Directory of a finished run.")],
    datalist: Annotated[
        Path | None, typer.Option(help="Datalist of another cohort; by default the run's own.", show_default=False)
    ] = None,
    dataset_dir: Annotated[
        Path | None, typer.Option("--dataset_dir", help="Folder of its images.", show_default=False)
    ] = None,
    split: Annotated[str, typer.Option(help="training, validation or test.")] = "test",
    checkpoint: Annotated[str, typer.Option(help="File name within RUN_DIR.")] = "best_model.pth",
    all_visits: Annotated[
        bool, typer.Option("--all_visits", help="All visits instead of each subject's first.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="Folder to write to; by default RUN_DIR/evaluation.", show_default=False)
    ] = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Fit a temperature per task on the validation split and use it.")
    ] = False,
    device: Annotated[str | None, typer.Option(help="cuda or cpu.", show_default=False)] = None,
) -> None:
    """Print test metrics with intervals and numbers of subjects, and write them and all predictions to files.

    With --checkpoint pretrain_checkpoint.pth: the error of reconstruction beside the training mean and interpolation.
    With --calibrate: log loss, Brier score and calibration error before and after; an exported bundle carries the
    temperatures.
    """
    import json

    from rich.console import Console

    from admoe_monai.evaluation.calibration import apply_temperatures, compare_calibration
    from admoe_monai.evaluation.evaluate import evaluate_predictions
    from admoe_monai.evaluation.text import format_calibration, format_evaluation, format_reconstruction
    from admoe_monai.workflows.finished.calibration import calibrate as fit_calibration
    from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of, predict
    from admoe_monai.workflows.finished.reconstruction import evaluate_reconstruction

    run = TrainedRun.load(run_dir, checkpoint)
    cohort = cohort_of(run, datalist, dataset_dir)
    if split not in cohort.splits or not cohort.splits[split]:
        raise UserError(f"{cohort.path} has no {split} visits")
    if calibrate and checkpoint != "best_model.pth":
        raise UserError(f"--calibrate is of best_model.pth, which a bundle carries, not of {checkpoint}")
    folder = output or run_dir / "evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    if run.checkpoint["is_pretrain"]:
        figures = {"reconstruction": evaluate_reconstruction(run, cohort, split, device, folder, not all_visits)}
        text = format_reconstruction(figures["reconstruction"])
    else:
        table = predict(run, cohort, split, device)
        calibration = ""
        if calibrate:
            fitted = fit_calibration(run, device, dataset_dir if datalist is None else None)
            calibrated = apply_temperatures(table, {task: entry["temperature"] for task, entry in fitted.items()})
            splits = {split: compare_calibration(table, calibrated), "validation": fitted}
            calibration = "\n\n" + format_calibration(splits)
            table = calibrated
        figures = evaluate_predictions(table, table.classes, one_visit_per_subject=not all_visits)
        text = format_evaluation(figures) + calibration
        table.write(folder / f"predictions_{split}.csv")
    about = {
        "cohort": cohort.name,
        "simulated": cohort.simulated,
        "datalist": str(cohort.path),
        "split": split,
        "checkpoint": checkpoint,
        "leakage": run.checkpoint.get("leakage", []),
        "epoch": run.checkpoint["epoch"],
    }
    name = "reconstruction" if run.checkpoint["is_pretrain"] else "metrics"
    (folder / f"{name}_{split}.json").write_text(json.dumps({**about, "figures": figures}, indent=1), encoding="utf-8")
    console = Console()
    note = " (SIMULATED)" if cohort.simulated else ""
    console.print(
        f"{cohort.name}{note}, {split} split, {checkpoint} of epoch {run.checkpoint['epoch']}", highlight=False
    )
    for leak in run.checkpoint.get("leakage", []):
        console.print(f"trained in spite of a leak: {leak}", highlight=False, markup=False)
    typer.echo(text)
    console.print(f"Written: {folder}", highlight=False)
