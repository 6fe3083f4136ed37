"""`admoe predict`: scans in, predictions out, by an exported bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .trust import Trust


def predict(
    bundle: Annotated[Path, typer.Argument(help="Folder of an exported bundle.")],
    dataset_dir: Annotated[Path, typer.Option("--dataset_dir", help="Folder of scans, a list of paths, or one scan.")],
    output_dir: Annotated[Path, typer.Option("--output_dir", help="Folder to write to.")],
    prior_table: Annotated[
        Path | None, typer.Option("--prior_table", help="Clinical values per scan or subject.", show_default=False)
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch_size", min=1, help="Scans per step.", show_default=False)
    ] = None,
    num_workers: Annotated[
        int | None, typer.Option("--num_workers", min=0, help="Loader processes.", show_default=False)
    ] = None,
    screening: Annotated[
        bool | None,
        typer.Option(
            "--screening/--no-screening", help="Refuse what can't be a T1w brain scan.", show_default="as exported"
        ),
    ] = None,
    overlays: Annotated[bool, typer.Option("--overlays", help="Draw each scan under the template's outlines.")] = False,
    device: Annotated[str | None, typer.Option(help="cuda or cpu.", show_default=False)] = None,
    trust: Trust = False,
) -> None:
    """Predict scans with a BUNDLE, as `python -m monai.bundle run inference` does, but not with code of others.

    A bundle whose inference is what this version's export writes runs this package and nothing else. Any other one, of
    another version or changed, needs --trust.
    """
    from admoe_monai.workflows.bundles.predict import predict_scans

    given = {
        "dataset_dir": str(dataset_dir),
        "output_dir": str(output_dir),
        "prior_table": None if prior_table is None else str(prior_table),
        "batch_size": batch_size,
        "num_workers": num_workers,
        "screening": screening,
        "overlays": overlays or None,
        "device": device,
    }
    predict_scans(bundle, {name: value for name, value in given.items() if value is not None}, trust)
