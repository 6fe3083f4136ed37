"""``admoe prepare merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from .options import ListedVisitOptions, OutputOptions
from .write import write_datalists


def merge(
    datalists: Annotated[list[Path], Argument(metavar="DATALIST", help="two or more datalists")],
    id_map: Annotated[
        Path | None, Option("--id_map", help="table of participant_id and person_id across datalists")
    ] = None,
    allow_mixed_labels: Annotated[
        bool, Option("--allow_mixed_labels", help="mix clinical diagnoses and those by CDR")
    ] = False,
    *,
    visits: ListedVisitOptions,
    to: OutputOptions,
) -> None:
    """Datalists joined into one, with a new split."""
    from admoe_monai.data.cohorts import MergedDatalists

    write_datalists(MergedDatalists(datalists, id_map), visits, to, allow_mixed_labels=allow_mixed_labels)
