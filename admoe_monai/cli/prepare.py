"""``admoe prepare``: a cohort on disk to a datalist."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from admoe_monai.errors import UserError

if TYPE_CHECKING:
    from rich.table import Table

    from admoe_monai.data import Datalist
    from admoe_monai.data.cohorts.reading import Source

SHOWN = 10
_LABELLING = frozenset({"horizon", "min_followup", "change_for_ad", "dx_window_days"})
#: What each source reads; what was made before keeps its labels.
READS = {
    "a BIDS folder": {"directory", "mapping", "derivative", "prefer"} | _LABELLING,
    "--caps": {"caps", "bids", "mapping", "prefer"} | _LABELLING,
    "--table": {"directory", "table", "images", "mapping"} | _LABELLING,
    "a folder of .npz slices": {"directory", "subject_pattern"},
    "--merge": {"merge", "id_map"},
}
_SOURCE, _LABELS, _VISITS, _SPLIT = "What to read", "Labels", "Which visits", "Splits, by person"


def prepare(
    context: typer.Context,
    directory: Annotated[
        Path | None,
        typer.Argument(help="BIDS folder, or a folder of .npz slices; with --table, where --images starts from"),
    ] = None,
    output: Annotated[Path, typer.Option(help="datalist to write")] = Path("datalist.json"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace an existing datalist")] = False,
    table: Annotated[
        Path | None, typer.Option(help="CSV or TSV table with one visit per row", rich_help_panel=_SOURCE)
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(help="pattern of image paths, such as 'scans/{MRI ID}.nii.gz'", rich_help_panel=_SOURCE),
    ] = None,
    mapping: Annotated[
        str | None,
        typer.Option(help="what the columns mean: a built-in name or a YAML file", rich_help_panel=_SOURCE),
    ] = None,
    caps: Annotated[
        Path | None, typer.Option(help="CAPS folder with t1-linear scans; goes with --bids", rich_help_panel=_SOURCE)
    ] = None,
    bids: Annotated[Path | None, typer.Option(help="BIDS folder with the labels", rich_help_panel=_SOURCE)] = None,
    derivative: Annotated[
        str | None, typer.Option(help="folder below derivatives/ that holds the scans", rich_help_panel=_SOURCE)
    ] = None,
    prefer: Annotated[
        list[str] | None,
        typer.Option(help="of several T1w scans the one with this in its name; repeat it", rich_help_panel=_SOURCE),
    ] = None,
    subject_pattern: Annotated[
        str | None,
        typer.Option("--subject_pattern", help="regular expression of subjects in .npz names", rich_help_panel=_SOURCE),
    ] = None,
    merge: Annotated[
        list[Path] | None, typer.Option(help="datalist to join with others; repeat it", rich_help_panel=_SOURCE)
    ] = None,
    id_map: Annotated[
        Path | None,
        typer.Option(
            "--id_map", help="table of participant_id and person_id across datalists", rich_help_panel=_SOURCE
        ),
    ] = None,
    horizon: Annotated[
        str, typer.Option(help="of the change label: next_visit, 36m, 3y or 1095d", rich_help_panel=_LABELS)
    ] = "36m",
    min_followup: Annotated[
        str | None,
        typer.Option(
            "--min_followup", help="that a stable course needs; 0.9 of the horizon by default", rich_help_panel=_LABELS
        ),
    ] = None,
    change_for_ad: Annotated[
        Literal["null", "stable"],
        typer.Option("--change_for_ad", help="change label of visits with AD", rich_help_panel=_LABELS),
    ] = "null",
    dx_window_days: Annotated[
        float,
        typer.Option(
            "--dx_window_days",
            help="a scan without a diagnosis takes the nearest one within these days",
            rich_help_panel=_LABELS,
        ),
    ] = 0.0,
    allow_mixed_labels: Annotated[
        bool,
        typer.Option("--allow_mixed_labels", help="mix clinical diagnoses and those by CDR", rich_help_panel=_LABELS),
    ] = False,
    include: Annotated[
        Path | None, typer.Option(help="table of participant_id (and session_id) to use", rich_help_panel=_VISITS)
    ] = None,
    qc: Annotated[
        Path | None,
        typer.Option(help="table of participant_id, session_id and qc (pass, fail)", rich_help_panel=_VISITS),
    ] = None,
    missing_images: Annotated[
        Literal["error", "drop"],
        typer.Option("--missing_images", help="what to do with visits without a scan", rich_help_panel=_VISITS),
    ] = "error",
    check_images: Annotated[
        Literal["voxels", "headers"],
        typer.Option("--check_images", help="read all of every image, or its header", rich_help_panel=_VISITS),
    ] = "voxels",
    fractions: Annotated[
        tuple[float, float, float],
        typer.Option(help="share of people in training, validation and test", rich_help_panel=_SPLIT),
    ] = (0.6, 0.15, 0.25),
    seed: Annotated[int, typer.Option(help="another seed, another split", rich_help_panel=_SPLIT)] = 42,
    folds: Annotated[
        int | None, typer.Option(help="write this number of datalists, for cross-validation", rich_help_panel=_SPLIT)
    ] = None,
    holdout: Annotated[
        str | None,
        typer.Option(help="site or cohort: one datalist per value as test set; site=A for one", rich_help_panel=_SPLIT),
    ] = None,
    splits: Annotated[
        Path | None,
        typer.Option(help="published split: table of participant_id and split, or a folder", rich_help_panel=_SPLIT),
    ] = None,
) -> None:
    """Make a datalist of a cohort: labels on the whole history, checks, splits by person, prior statistics."""
    from rich.console import Console

    from admoe_monai.data.cohorts import ChangeRule, Selection, SplitRule, prepare_cohort
    from admoe_monai.data.visits import SPLITS

    given = {
        name
        for name in context.params
        if (origin := context.get_parameter_source(name)) is not None and origin.name == "COMMANDLINE"
    }
    if "fractions" in given and (ways := given & {"folds", "holdout", "splits"}):
        raise UserError(f"--{min(ways)} divides the cohort; --fractions would change nothing")
    source = _source(
        given,
        directory,
        table,
        images,
        mapping,
        caps,
        bids,
        derivative,
        prefer or [],
        subject_pattern,
        merge or [],
        id_map,
    )
    datalists = prepare_cohort(
        output,
        source,
        change=ChangeRule.parse(horizon, min_followup, change_for_ad),
        split=SplitRule(dict(zip(SPLITS, fractions, strict=True)), seed, folds, holdout, splits),
        selection=Selection(include, qc, missing_images),
        dx_window_days=dx_window_days,
        allow_mixed_labels=allow_mixed_labels,
        voxels=check_images == "voxels",
        overwrite=overwrite,
    )
    console = Console()
    for line in _report(datalists[0]):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    for datalist in datalists:
        console.print(_summary(datalist))
        console.print(f"wrote {datalist.path}", highlight=False, soft_wrap=True)


def _source(
    given: Set[str],
    directory: Path | None,
    table: Path | None,
    images: str | None,
    mapping: str | None,
    caps: Path | None,
    bids: Path | None,
    derivative: str | None,
    prefer: list[str],
    subject_pattern: str | None,
    merge: list[Path],
    id_map: Path | None,
) -> Source:
    """The one source that the options name."""
    from admoe_monai.data.cohorts import (
        BidsFolder,
        ClinicaTrees,
        MergedDatalists,
        SliceArrays,
        VisitTable,
        load_mapping,
    )
    from admoe_monai.data.cohorts.bids import is_bids_folder
    from admoe_monai.scan_files import is_slice

    named = [name for name, value in (("--table", table), ("--caps", caps), ("--merge", merge)) if value]
    if len(named) > 1:
        raise UserError(f"{' and '.join(named)} name two cohorts; prepare each alone, then join them with --merge")
    is_slices = directory is not None and not is_bids_folder(directory) and any(map(is_slice, directory.rglob("*.npz")))
    kind = named[0] if named else "a folder of .npz slices" if is_slices else "a BIDS folder"
    if directory is not None or named:
        _refuse_unread(kind, given)
    if merge:
        return MergedDatalists(merge, id_map)
    if caps is not None:
        if bids is None:
            raise UserError("--caps holds no diagnoses: give the BIDS folder that it was made of with --bids")
        return ClinicaTrees(caps, bids, load_mapping(mapping or "bids"), prefer)
    if table is not None:
        if images is None or mapping is None:
            raise UserError("a --table needs --images (a pattern of paths) and --mapping (what its columns mean)")
        return VisitTable(table, images, load_mapping(mapping), directory)
    if directory is None:
        raise UserError("nothing to prepare: give a BIDS folder, or --table and --images")
    if is_slices:
        return SliceArrays(directory, subject_pattern)
    return BidsFolder(directory, load_mapping(mapping or "bids"), derivative, prefer)


def _refuse_unread(kind: str, given: Set[str]) -> None:
    """Refuse an option that goes with other sources: it would do nothing, in silence."""
    known = set().union(*READS.values())
    for name in sorted(given & known - READS[kind]):
        places = " or ".join(source for source, options in READS.items() if name in options)
        what = "a folder" if name == "directory" else f"--{name}"
        raise UserError(f"{what} goes with {places}; {kind} does not read it")


def _report(datalist: Datalist) -> list[str]:
    report = datalist.report
    lines = [
        f"left out: {count['visits']} visits, {cause}"
        + (f" ({count['subjects']} subjects)" if count["subjects"] else "")
        for cause, count in report["exclusions"].items()
    ]
    lines += [f"change unknown: {count} visits, {reason}" for reason, count in report["unknown_change"].items()]
    found = report["contradictions"]
    lines += [f"contradiction: {line}" for line in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(f"contradictions: {len(found) - SHOWN} more, under 'report' in the datalist")
    lines += [f"note: {line}" for line in report["notes"]]
    diagnosis, change = (datalist.label_definition[task] for task in ("diagnosis", "change"))
    lines.append(f"diagnosis: {diagnosis['source']}; {diagnosis['rule'] or 'as the cohort gives it'}")
    rule = ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in change.items()
        if value is not None and name != "horizon_days"
    )
    return [*lines, f"change: {rule or 'as the cohort gives it'}"]


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
