"""``admoe prepare DIR``: what is no subcommand is a BIDS folder."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from typer.core import TyperGroup

from admoe_monai.errors import UserError


class BidsByDefault(TyperGroup):
    """A group of commands that hands arguments without the name of one to ``bids``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``bids`` in front where no subcommand is named; refuse a word that is one mistyped.

        Args:
            ctx: typer's context, whose class differs between its versions.
            args: words of the command line after ``prepare``.

        Raises:
            UserError: If there is no folder of that name but a subcommand of nearly that name.
        """
        if args and args[0] not in (*self.commands, "--help"):
            alike = difflib.get_close_matches(args[0], list(self.commands), n=1)
            if alike and not Path(args[0]).exists():
                raise UserError(
                    f"'{args[0]}' is neither a folder nor a command; did you mean `admoe prepare {alike[0]}`?"
                )
            args = ["bids", *args]
        return super().parse_args(ctx, args)
