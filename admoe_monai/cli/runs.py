"""`admoe runs`: which runs there are, what two of them differ in, and the figures of folds together."""

from __future__ import annotations

import json as json_module
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from .default_command import DefaultCommand
from .terminal import width


class _ListByDefault(DefaultCommand):
    default = "list"


runs = typer.Typer(
    cls=_ListByDefault, subcommand_metavar="[list] [FOLDER] | compare RUN OTHER_RUN | pool RUN OTHER_RUN"
)
Json = Annotated[bool, typer.Option("--json", help="Print everything as JSON.")]


@runs.callback()
def _about() -> None:
    """List the runs in a folder, compare some, or average the folds of one plan; `runs FOLDER` is `runs list FOLDER`.

    Comparison and pooling have names of their own: `runs A B` would list two folders or compare two runs, by what lies in
    them.
    """


@runs.command("list")
def list_(
    folder: Annotated[Path, typer.Argument(help="Folder of runs, or one run directory.")] = Path("checkpoints"),
    json: Json = False,
) -> None:
    """List the runs in a folder, the newest first: state, epochs, best figures of validation, last sign of life."""
    from admoe_monai.workflows.runs.run_list import list_runs
    from admoe_monai.workflows.runs.run_list_text import lines_of_runs

    found = list_runs(folder)
    lines = lines_of_runs(found, width()) if found else [f"no run in {folder}"]
    _print([run.as_dict() for run in found], None if json else lines)


@runs.command()
def compare(
    run_dirs: Annotated[list[Path], typer.Argument(metavar="RUN OTHER_RUN...", help="Two or more run directories.")],
    json: Json = False,
) -> None:
    """Show what runs differ in: settings, code, data; and their figures of validation and test.

    Where several have been evaluated (`admoe evaluate`) on the same visits, the difference to the first of them is given
    with an interval: subjects are drawn once for both.
    """
    from admoe_monai.workflows.runs.comparison import compare_runs
    from admoe_monai.workflows.runs.comparison_text import lines_of_comparison

    found = compare_runs(run_dirs)
    _print(found, None if json else lines_of_comparison(found, width()))


@runs.command()
def pool(
    run_dirs: Annotated[list[Path], typer.Argument(metavar="RUN OTHER_RUN...", help="Evaluated runs, one per fold.")],
    json: Json = False,
) -> None:
    """Average the test figures of the folds of one plan, each of which has tested other subjects (`admoe evaluate`).

    A figure is made within each fold and averaged; the scores of different networks are never put in one order. The interval
    is over the subjects, with the networks as they are.
    """
    from admoe_monai.workflows.runs.folds import lines_of_folds, pool_folds

    found = pool_folds(run_dirs)
    _print(found, None if json else lines_of_folds(found, width()))


def _print(content: Any, lines: Iterable[str] | None) -> None:
    """Print lines for people, or, where there are none, the content for a program."""
    if lines is None:
        lines = [json_module.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)]
    for line in lines:
        typer.echo(line)
