"""`admoe preprocess`: the scans of a datalist onto the MNI152 template."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from admoe_monai.errors import UserError


def preprocess(
    datalist: Annotated[Path, typer.Argument(help="Datalist of the scans as they are.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder to write to; what is finished there is not done again.")],
    dataset_dir: Annotated[
        Path | None, typer.Option("--dataset_dir", help="Folder of the scans.", show_default="as the datalist says")
    ] = None,
    spacing: Annotated[
        float | None, typer.Option(help="Edge of the voxels to write, in mm: a divisor of 12.", show_default="1.0")
    ] = None,
    num_workers: Annotated[
        int, typer.Option("--num_workers", min=0, help="Processes to compute with; 0 computes in this one.")
    ] = 0,
    array: Annotated[
        str | None, typer.Option(help="Part I/N of the scans alone, as a task of a job array.", show_default=False)
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Allow raw, defaced and skull-stripped scans together.")
    ] = False,
    drop_failed: Annotated[
        bool, typer.Option("--drop_failed", help="Go on without scans that could not be processed.")
    ] = False,
    drop_flagged: Annotated[
        bool, typer.Option("--drop_flagged", help="Leave flagged scans out of the new datalist.")
    ] = False,
) -> None:
    """Correct the bias field, register to MNI152, check, and write scans, a quality page and a new datalist."""
    share = None if array is None else _share(array)
    from admoe_monai.workflows.preprocessing.cohort import Choices
    from admoe_monai.workflows.preprocessing.preprocess import preprocess as preprocess_datalist

    written = preprocess_datalist(
        datalist,
        output_dir,
        dataset_dir=dataset_dir,
        spacing_mm=spacing,
        num_workers=num_workers,
        share=share,
        choices=Choices(force, drop_failed, drop_flagged),
    )
    if written is not None:
        typer.echo(f"Written: {written}")


def _share(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    part, parts = (int(number) for number in match.groups()) if match else (0, 0)
    if not 1 <= part <= parts:
        raise UserError(f"--array takes I/N with I from 1 to N, such as 3/10, got {text!r}")
    return part, parts
