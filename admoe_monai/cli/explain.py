"""`admoe explain`: where in the brain a run's best model looks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from admoe_monai.run_files import BEST_MODEL, CONFIG

from .trust import Trust


def explain(
    run_dir: Annotated[Path, typer.Argument(help="Directory of a finished run.")],
    task: Annotated[str | None, typer.Option(help="Task; by default the first.", show_default=False)] = None,
    classes: Annotated[
        tuple[str, str] | None,
        typer.Option(
            help="Class that counts and class against it; by default the last and the first.", show_default=False
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="training, validation or test.")] = "test",
    method: Annotated[list[str] | None, typer.Option(help="smoothgrad or occlusion; repeat it for both.")] = None,
    samples: Annotated[int, typer.Option(help="Noisy copies of each scan (smoothgrad).")] = 10,
    noise: Annotated[float, typer.Option(help="Their noise, as a share of the scan's range (smoothgrad).")] = 0.15,
    cube_mm: Annotated[
        float, typer.Option("--cube_mm", help="Edge of a region in mm; of slices, in pixels (occlusion).")
    ] = 15.0,
    people: Annotated[
        int | None, typer.Option(help="At most so many people of each class; by default all.", show_default=False)
    ] = None,
    untrained: Annotated[int, typer.Option(help="Untrained networks that the maps are held against; 0: none.")] = 6,
    scans: Annotated[int, typer.Option(help="Number of people whose own maps are drawn.")] = 4,
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 0,
    checkpoint: Annotated[str, typer.Option(help="File name within RUN_DIR.")] = BEST_MODEL,
    dataset_dir: Annotated[
        Path | None, typer.Option("--dataset_dir", help="Folder of the run's images, if moved.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder to write to; by default RUN_DIR/explanation.", show_default=False)
    ] = None,
    device: Annotated[str | None, typer.Option(help="cuda or cpu.", show_default=False)] = None,
    trust: Trust = False,
) -> None:
    """Write maps of what speaks for one class against another: means over the people of each class, and a few scans.

    Means are NIfTI files in the space of the scans, and a picture; they need scans that share a space, as those of
    `admoe preprocess` do. What a map shows is the network, not the disease.
    """
    from admoe_monai.workflows.settings.trust import refuse_untrusted

    refuse_untrusted([run_dir / CONFIG], trust)
    from admoe_monai.workflows.finished.explanation import SMOOTHGRAD, MapSettings, explain_run

    settings = MapSettings(tuple(dict.fromkeys(method or [SMOOTHGRAD])), samples, noise, cube_mm, seed)
    found = explain_run(
        run_dir, settings, task, classes, split, scans, untrained, people, checkpoint, dataset_dir, output, device
    )
    about = found.about
    counts = ", ".join(f"{count} {name}" for name, count in about["people"].items())
    typer.echo(f"{about['task']}: {about['towards']} against {about['against']}, {about['split']} split, {counts}")
    for note in found.notes:
        typer.echo(f"note: {note}")
    typer.echo(f"Written: {found.folder}")
