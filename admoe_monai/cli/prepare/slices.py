"""``admoe prepare slices``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from .options import OutputOptions, VisitOptions
from .write import write_datalists


def slices(
    folder: Annotated[Path, Argument(metavar="FOLDER", help="folder of .npz slices")],
    subject_pattern: Annotated[
        str | None, Option("--subject_pattern", help="regular expression of subjects in their names")
    ] = None,
    *,
    visits: VisitOptions,
    to: OutputOptions,
) -> None:
    """Slices (.npz) of the original training code, with their labels."""
    from admoe_monai.data.cohorts import SliceArrays

    write_datalists(SliceArrays(folder, subject_pattern), visits, to)
