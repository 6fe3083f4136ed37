"""The `admoe` command: one file per subcommand, put together here."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from admoe_monai import __version__
from admoe_monai.errors import DEBUG, show_chain, told, user_error

from .audit import audit
from .check import check
from .demo_cohort import demo_cohort
from .evaluate import evaluate
from .explain import explain
from .export import export
from .inspect import inspect
from .predict import predict
from .prepare import prepare
from .preprocess import preprocess
from .propose import propose
from .report import report
from .runs import runs
from .settings import CONTEXT, SettingsCommand
from .stress import stress
from .study import study
from .train import plan, resume, train
from .verify import verify

COMMANDS: dict[str, typer.Typer | Callable[..., None]] = {
    "demo-cohort": demo_cohort,
    "prepare": prepare,
    "preprocess": preprocess,
    "audit": audit,
    "propose": propose,
    "check": check,
    "plan": plan,
    "train": train,
    "resume": resume,
    "inspect": inspect,
    "runs": runs,
    "evaluate": evaluate,
    "stress": stress,
    "explain": explain,
    "verify": verify,
    "study": study,
    "report": report,
    "export": export,
    "predict": predict,
}
WITH_SETTINGS = (check, plan, train, resume)


class InOrder(TyperGroup):
    """Lists the commands as above: typer would put those with subcommands last."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the commands.

        Args:
            ctx: typer's context, whose class differs between its versions.
        """
        return list(COMMANDS)


app = typer.Typer(
    cls=InOrder,
    help="Prepare a cohort, train, evaluate and hand over: runs of admoe_monai from the first scan to a MONAI bundle.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for name, command in COMMANDS.items():
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name)
    elif command in WITH_SETTINGS:
        app.command(name, cls=SettingsCommand, context_settings=CONTEXT)(command)
    else:
        app.command(name)(command)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"admoe_monai {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    debug: bool = typer.Option(
        False,
        "--debug",
        help="Show the whole chain of exceptions behind a mistake; also behind the words of a command.",
    ),
) -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    # It mends small flaws of headers and says so for every single image.
    logging.getLogger("nibabel.global").setLevel(logging.ERROR)
    # The first time that it draws on a machine, it tells that it has made a list of fonts.
    logging.getLogger("matplotlib").setLevel(logging.WARNING)


def main() -> None:
    """Run the command; a user's mistake leaves with exit code 1 and one line, below it some of what is wrong one by one."""
    if "--debug" in sys.argv:
        # Wherever it stands: whoever has just read an error adds it to the end of the command.
        sys.argv = [word for word in sys.argv if word != "--debug"]
        os.environ[DEBUG] = "1"
    try:
        app()
    except Exception as error:  # MONAI and loaders wrap what a part has raised
        mistake = user_error(error)
        if mistake is None:
            raise
        show_chain(error)
        for line in told(mistake):
            typer.echo(line, err=True)
        sys.exit(1)
