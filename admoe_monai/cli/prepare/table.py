"""``admoe prepare table``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from .options import LabelOptions, ListedVisitOptions, Mapping, OutputOptions
from .write import write_datalists


def table(
    path: Annotated[Path, Argument(metavar="TABLE", help="CSV or TSV table with one visit per row")],
    images: Annotated[str, Option(help="pattern of image paths, such as 'scans/{MRI ID}.nii.gz'")],
    mapping: Mapping,
    dataset_dir: Annotated[
        Path | None, Option("--dataset_dir", help="folder of the images; that of the table by default")
    ] = None,
    *,
    labels: LabelOptions,
    visits: ListedVisitOptions,
    to: OutputOptions,
) -> None:
    """A table of visits, and a pattern that names each one's scan."""
    from admoe_monai.data.cohorts import VisitTable, load_mapping

    write_datalists(VisitTable(path, images, load_mapping(mapping), dataset_dir), visits, to, labels)
