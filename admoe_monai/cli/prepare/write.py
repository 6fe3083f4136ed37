"""What every subcommand of ``admoe prepare`` does with its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from admoe_monai.data import Datalist
    from admoe_monai.data.cohorts import Source

    from .options import LabelOptions, OutputOptions, VisitOptions


def write_datalists(
    source: Source,
    visits: VisitOptions,
    to: OutputOptions,
    labels: LabelOptions | None = None,
    allow_mixed_labels: bool = False,
) -> None:
    """Write the datalists of a cohort and print what is in them.

    Args:
        source: the cohort.
        visits: which visits are used.
        to: how people are told apart and divided, and where the result goes.
        labels: how labels are made; None where they come with the source.
        allow_mixed_labels: accept clinical diagnoses and those by CDR in one cohort.
    """
    from rich.console import Console

    from admoe_monai.data.cohorts import prepare_cohort, remarks, report_lines

    datalists = prepare_cohort(
        to.output,
        source,
        change=None if labels is None else labels.change(),
        split=to.split(),
        selection=visits.selection(),
        dx_window_days=0.0 if labels is None else labels.dx_window_days,
        allow_mixed_labels=allow_mixed_labels,
        allow_alike_subjects=to.allow_alike_subjects,
        voxels=visits.check_images == "voxels",
        overwrite=to.overwrite,
    )
    console = Console(markup=False)
    for line in report_lines(datalists[0]):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    for datalist in datalists:
        console.print(_summary(datalist))
        for line in remarks(datalist):
            console.print(f"warning: {line}", highlight=False, soft_wrap=True, markup=False)
        console.print(f"wrote {datalist.path}", highlight=False, soft_wrap=True)


def _summary(datalist: Datalist) -> Table:
    from rich.table import Table

    from admoe_monai.data.cohorts import count_classes

    kind = "simulated" if datalist.simulated else "real"
    table = Table(title=f"{datalist.name} ({kind}): visits (subjects)")
    table.add_column("class")
    for split in datalist.splits:
        table.add_column(split, justify="right")
    for section in count_classes(datalist):
        for name, counts in section.items():
            table.add_row(name, *(f"{visits} ({subjects})" for visits, subjects in counts))
        table.add_section()
    return table
