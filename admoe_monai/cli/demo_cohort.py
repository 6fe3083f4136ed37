"""`admoe demo-cohort`: make a simulated cohort to try everything else on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["demo_cohort"]


def demo_cohort(
    directory: Annotated[Path, typer.Argument(help="Folder of the dataset; absent or empty.")],
    subjects: Annotated[int, typer.Option(help="Number of subjects, a third each starting as CN, MCI and AD.")] = 60,
    visits: Annotated[tuple[int, int], typer.Option(help="Smallest and largest number of visits, a year apart.")] = (
        3,
        4,
    ),
    spacing: Annotated[float, typer.Option(help="Edge of the voxels in mm.")] = 3.0,
    effect: Annotated[float, typer.Option(help="Factor on the declared effect sizes; 0 makes a null cohort.")] = 1.0,
    shortcut: Annotated[str | None, typer.Option(help="'site' plants a scanner that betrays the diagnosis.")] = None,
    rescan: Annotated[int, typer.Option(help="Number of subjects scanned twice at their first visit.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 42,
    workers: Annotated[
        int | None, typer.Option(help="Threads; by default one per core. No influence on the files.")
    ] = None,
) -> None:
    """Write a SIMULATED longitudinal T1w cohort in BIDS layout, with known truth."""
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

    from admoe_monai.data.demo_cohort import make_demo_cohort, realised_effects

    made = make_demo_cohort(
        directory,
        subjects=subjects,
        visits=visits,
        spacing_mm=spacing,
        effect=effect,
        shortcut=shortcut,
        rescan=rescan,
        seed=seed,
        workers=workers,
    )
    console = Console(markup=False)
    truth = pd.read_csv(made / "truth.tsv", sep="\t")
    console.print(f"{made}: simulated, {truth['participant_id'].nunique()} subjects, {len(truth)} scans")
    first = truth[(truth["days_from_baseline"] == 0) & (truth["rescan"] == 0)]
    if first["diagnosis"].value_counts().reindex(["CN", "AD"], fill_value=0).min() < 3:
        console.print("Too few CN or AD subjects to estimate effect sizes.")
        return
    table = Table("structure", "declared d", "realised d", "95 % interval", title="AD against CN, first visits")
    for row in realised_effects(truth, effect).to_dict("records"):
        interval = f"{row['ci_low']:+.2f} to {row['ci_high']:+.2f}"
        table.add_row(row["structure"], f"{row['declared_d']:+.2f}", f"{row['realised_d']:+.2f}", interval)
    console.print(table)
