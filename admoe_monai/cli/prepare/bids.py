"""``admoe prepare bids``, or ``admoe prepare`` alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from .options import LabelOptions, ListedVisitOptions, Mapping, OutputOptions, Prefer
from .write import write_datalists


def bids(
    directory: Annotated[Path, Argument(metavar="DIR", help="BIDS folder")],
    derivative: Annotated[str | None, Option(help="folder below derivatives/ that holds the scans")] = None,
    prefer: Prefer = None,
    mapping: Mapping = "bids",
    *,
    labels: LabelOptions,
    visits: ListedVisitOptions,
    to: OutputOptions,
) -> None:
    """A BIDS folder: its tables, and its T1w scans or a derivative's."""
    from admoe_monai.data.cohorts import BidsFolder, load_mapping

    write_datalists(BidsFolder(directory, load_mapping(mapping), derivative, prefer or ()), visits, to, labels)
