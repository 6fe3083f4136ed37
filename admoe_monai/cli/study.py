"""`admoe study`: arms, folds and seeds of one file, into one report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from admoe_monai.errors import UserError

from .terminal import width

Study = Annotated[str, typer.Argument(metavar="STUDY", help="Study file, or the name of one of this package's.")]


def study(
    study: Study,
    folds: Annotated[
        list[str] | None,
        typer.Option(help="Datalist of a fold, or a pattern of several; may be repeated.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the study; by default studies/NAME.", show_default=False)
    ] = None,
    cores: Annotated[
        int | None, typer.Option(help="CPU cores to use; by default those granted here.", min=1, show_default=False)
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option(help="Snakemake profile, such as one for SLURM, in the place of --cores.", show_default=False),
    ] = None,
    retries: Annotated[int, typer.Option(help="How often a stopped cell is started again.", min=0)] = 3,
    dry_run: Annotated[bool, typer.Option("--dry_run", help="Show the cells, with time and disk, and end.")] = False,
    first: Annotated[
        bool, typer.Option("--first", help="Run the first cell alone: what will the others take?")
    ] = False,
) -> None:
    """Train and evaluate every arm on every fold with every seed, and write one report.

    Whatever stops it, the same command goes on, and the report has the same bytes. Cells that are done are left alone.
    """
    from admoe_monai.workflows.studies.cells import cells_of, write_cells
    from admoe_monai.workflows.studies.expected import DONE, expected, state_of
    from admoe_monai.workflows.studies.reading import read_study
    from admoe_monai.workflows.studies.start import alone, last_words, run_cells, snakemake

    design = read_study(study, folds)
    folder = output or Path("studies") / design.name
    if dry_run:
        from admoe_monai.workflows.studies.text import lines_of_plan

        side_by_side = max((cores or _granted()) // design.threads, 1)
        for line in lines_of_plan(expected(cells_of(design, folder), folder), side_by_side, width()):
            typer.echo(line)
        return
    snakemake()
    with alone(folder) as lock:
        cells = write_cells(design, folder)
        wanted = [cell for cell in (cells[:1] if first else cells) if state_of(cell) != DONE]
        if wanted:
            run_cells(folder, wanted, lock, cores or (None if profile else _granted()), profile, retries)
    failed = [cell for cell in wanted if state_of(cell) != DONE]
    if failed:
        raise UserError(
            f"{len(failed)} of {len(cells)} cells are not done; the same command goes on",
            [f"{cell.run_dir}.log: {last_words(cell)}" for cell in failed],
        )
    if first:
        typer.echo("The first cell is done; --dry_run says what the others will take.")
        return

    from admoe_monai.workflows.studies.pooled import pool_study
    from admoe_monai.workflows.studies.text import lines_of_study
    from admoe_monai.workflows.studies.write import write_study

    found = pool_study(design, cells)
    for line in lines_of_study(found, width()):
        typer.echo(line)
    page = write_study(found, folder)
    typer.echo(f"Written: {page} and {page.with_name('study.json')}")


def _granted() -> int:
    from admoe_monai.workflows.machine.granted import granted_cores

    return granted_cores()
