"""``admoe prepare``: a cohort on disk to a datalist."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from admoe_monai.data import Datalist


def prepare(
    directory: Annotated[
        Path | None, typer.Argument(help="BIDS folder; with --table, the folder that --images starts from")
    ] = None,
    output: Annotated[Path, typer.Option(help="datalist to write")] = Path("datalist.json"),
    table: Annotated[Path | None, typer.Option(help="CSV or TSV table with one visit per row")] = None,
    images: Annotated[str | None, typer.Option(help="pattern of image paths, such as 'scans/{MRI ID}.nii.gz'")] = None,
    mapping: Annotated[
        str | None, typer.Option(help="what the columns mean: bids, oasis1, oasis2 or a YAML file")
    ] = None,
    horizon: Annotated[str, typer.Option(help="of the change label: next_visit, 36m, 3y or 1095d")] = "36m",
    min_followup: Annotated[
        str | None, typer.Option("--min_followup", help="that a stable course needs; 0.9 times the horizon by default")
    ] = None,
    change_for_ad: Annotated[
        Literal["null", "stable"], typer.Option("--change_for_ad", help="change label of visits with AD")
    ] = "null",
    fractions: Annotated[
        tuple[float, float, float], typer.Option(help="share of the subjects in training, validation and test")
    ] = (0.6, 0.15, 0.25),
    seed: Annotated[int, typer.Option(help="of the split by subject")] = 42,
    missing_images: Annotated[
        Literal["error", "drop"], typer.Option("--missing_images", help="what to do with visits without a scan")
    ] = "error",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace an existing datalist")] = False,
) -> None:
    """Make a datalist from a BIDS folder, or from a table and images: labels, split by subject, prior statistics."""
    from rich.console import Console

    from admoe_monai.data.cohorts.prepare import prepare_cohort
    from admoe_monai.data.visits import SPLITS

    datalist = prepare_cohort(
        output,
        directory=directory,
        table=table,
        images=images,
        mapping=mapping,
        horizon=horizon,
        min_followup=min_followup,
        change_for_ad=change_for_ad,
        fractions=dict(zip(SPLITS, fractions, strict=True)),
        seed=seed,
        missing_images=missing_images,
        overwrite=overwrite,
    )
    console = Console()
    console.print(_summary(datalist))
    console.print(f"wrote {output}", highlight=False, soft_wrap=True)


def _summary(datalist: Datalist) -> Table:
    from rich.table import Table

    kind = "simulated" if datalist.simulated else "real"
    table = Table(title=f"{datalist.name} ({kind}): visits (subjects)")
    table.add_column("class")
    for split in datalist.splits:
        table.add_column(split, justify="right")

    def cells(field: str | None, label: str | None) -> list[str]:
        counted = []
        for visits in datalist.splits.values():
            subjects = [visit["subject_id"] for visit in visits if field is None or visit.get(field) == label]
            counted.append(f"{len(subjects)} ({len(set(subjects))})")
        return counted

    table.add_row("all", *cells(None, None))
    for field in ("diagnosis", "change"):
        table.add_section()
        labels = {visit.get(field) for visits in datalist.splits.values() for visit in visits}
        for label in sorted(labels, key=lambda name: (name is None, str(name))):
            table.add_row(f"{field} {label or 'unknown'}", *cells(field, label))
    return table
