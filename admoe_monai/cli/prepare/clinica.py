"""``admoe prepare clinica``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from .options import LabelOptions, ListedVisitOptions, Mapping, OutputOptions, Prefer
from .write import write_datalists


def clinica(
    caps: Annotated[Path, Argument(metavar="CAPS", help="CAPS folder with t1-linear scans")],
    bids: Annotated[Path, Option(help="BIDS folder that it was made of, which holds the labels")],
    prefer: Prefer = None,
    mapping: Mapping = "bids",
    *,
    labels: LabelOptions,
    visits: ListedVisitOptions,
    to: OutputOptions,
) -> None:
    """Clinica's t1-linear: scans of CAPS, labels of the BIDS folder."""
    from admoe_monai.data.cohorts import ClinicaTrees, load_mapping

    write_datalists(ClinicaTrees(caps, bids, load_mapping(mapping), prefer or ()), visits, to, labels)
