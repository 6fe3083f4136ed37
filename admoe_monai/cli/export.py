"""`admoe export`: hand a run's best model over as a MONAI bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from admoe_monai.run_files import CONFIG

from .trust import Trust


def export(
    run_dir: Annotated[Path, typer.Argument(help="A finished run directory.")],
    bundle: Annotated[Path, typer.Argument(help="Folder to write; absent or empty.")],
    dataset_dir: Annotated[
        Path | None, typer.Option("--dataset_dir", help="Folder of the run's images, if moved.", show_default=False)
    ] = None,
    formats: Annotated[
        str, typer.Option(help="Beside PyTorch's weights: some of torchscript,onnx,pt2, or none.")
    ] = "torchscript,onnx,pt2",
    reference_scans: Annotated[
        int,
        typer.Option(
            "--reference_scans", min=0, help="Scans of training to measure, for new scans to be held against."
        ),
    ] = 20,
    accept_licence: Annotated[
        bool, typer.Option("--accept_licence", help="Pass on weights that began with a file of others.")
    ] = False,
    trust: Trust = False,
) -> None:
    """Write a bundle from best_model.pth: weights, configs for inference, training and evaluation, documents and code."""
    from admoe_monai.workflows.settings.trust import refuse_untrusted

    refuse_untrusted([run_dir / CONFIG], trust)
    from admoe_monai.workflows.bundles.export import export as export_run
    from admoe_monai.workflows.bundles.inference import CONFIG as INFERENCE
    from admoe_monai.workflows.settings.command_line import as_word

    chosen = [] if formats == "none" else formats.split(",")
    written = export_run(run_dir, bundle, chosen, reference_scans, dataset_dir, accept_licence)
    typer.echo(f"Written: {written}")
    typer.echo(
        f"python -m monai.bundle run inference --config_file {as_word(bundle / INFERENCE)} --bundle_root {as_word(bundle)} "
        "--dataset_dir SCANS --output_dir OUT"
    )
