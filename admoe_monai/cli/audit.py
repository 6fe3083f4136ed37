"""`admoe audit`: what a datalist leaks, before anybody trains on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from admoe_monai.errors import UserError

if TYPE_CHECKING:
    from admoe_monai.data import Datalist


def audit(
    datalist: Annotated[Path, typer.Argument(help="The datalist to look at.")],
    dataset_dir: Annotated[
        Path | None, typer.Option("--dataset_dir", help="Folder of its images.", show_default=False)
    ] = None,
    pretraining: Annotated[
        Path | None, typer.Option(help="Datalist that a model was pretrained on.", show_default=False)
    ] = None,
    pretrained: Annotated[
        Path | None, typer.Option(help="Checkpoint that finetuning starts from.", show_default=False)
    ] = None,
    tasks: Annotated[
        str | None,
        typer.Option(
            help="Fields that hold labels, such as diagnosis,sex; by default those of configs/train.yaml.",
            show_default=False,
        ),
    ] = None,
    images: Annotated[
        bool, typer.Option("--images/--no-images", help="Read the images, for copies under other names.")
    ] = True,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    output: Annotated[Path | None, typer.Option(help="File to write it to as JSON.", show_default=False)] = None,
) -> None:
    """Look for leaks in a DATALIST: overlap of splits, copied images, priors that know the answer. Exit code 1 if any."""
    import json as json_module
    import logging

    from admoe_monai.audit import format_report, full_audit, pretraining_visits
    from admoe_monai.data import load_datalist
    from admoe_monai.output_files import check_output, write_output

    if output is not None:
        check_output(output)
    # One line per scan about qfac would bury the findings, and spoil --json.
    logging.getLogger("nibabel.global").setLevel(logging.ERROR)
    cohort = load_datalist(datalist, dataset_dir, refuse_overlaps=False)
    visits = pretraining_visits(pretraining) if pretraining is not None else ()
    names = _tasks(cohort, tasks)
    report = full_audit(
        cohort, tasks=names, images=images, pretraining=visits, pretraining_digests=_digests(pretrained)
    )
    text = json_module.dumps(report.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    if output is not None:
        write_output(output, text + "\n")
    typer.echo(text if json else format_report(report))
    if report.leaks:
        raise typer.Exit(1)


def _tasks(cohort: Datalist, given: str | None) -> list[str]:
    """The tasks that the user names, each a field of the datalist; those of the declared settings by default."""
    from admoe_monai.workflows.settings.names import declared_settings

    if given is None:
        return list(declared_settings()["classes"])
    names = [name.strip() for name in given.split(",")]
    fields = {field for visits in cohort.splits.values() for visit in visits for field in visit}
    if unknown := [name for name in names if name not in fields]:
        raise UserError(f"--tasks names '{unknown[0]}', a field that no visit of {cohort.path} has")
    return names


def _digests(pretrained: Path | None) -> Any:
    """Of the subjects that a checkpoint was pretrained on; empty where it doesn't say, None without a checkpoint."""
    if pretrained is None:
        return None
    from admoe_monai.checkpoints import load_whole
    from admoe_monai.data.subject_digests import CHECKPOINT_KEY

    contents = load_whole(pretrained)
    return contents.get(CHECKPOINT_KEY, ()) if isinstance(contents, dict) else ()
