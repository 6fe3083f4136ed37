"""``admoe prepare``: a cohort on disk to a datalist, one subcommand per kind of cohort."""

from __future__ import annotations

import typer

from admoe_monai.cli.default_command import DefaultCommand

from .bids import bids
from .clinica import clinica
from .merge import merge
from .option_groups import expanded
from .slices import slices
from .table import table

__all__ = ["prepare"]


class _BidsByDefault(DefaultCommand):
    default = "bids"


prepare = typer.Typer(cls=_BidsByDefault, no_args_is_help=True, subcommand_metavar="[bids] DIR | COMMAND ...")
for command in (bids, clinica, table, slices, merge):
    prepare.command()(expanded(command))


@prepare.callback()
def _about() -> None:
    """Make a datalist of a cohort: labels, checks, splits by person, prior statistics; `prepare DIR` is `prepare bids DIR`."""
