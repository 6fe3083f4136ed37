"""Groups of commands in which what names none of them is of one that goes without saying, such as ``admoe prepare DIR``."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, ClassVar

from typer.core import TyperGroup

from admoe_monai.errors import UserError


class DefaultCommand(TyperGroup):
    """A group of commands that hands arguments without the name of one to its default.

    Attributes:
        default: name of that command, which takes a folder first.
    """

    default: ClassVar[str]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default in front where no subcommand is named; refuse a word that is one mistyped.

        Args:
            ctx: typer's context, whose class differs between its versions.
            args: words of the command line after the group's name.

        Raises:
            UserError: If there is no folder of that name but a subcommand of nearly that name.
        """
        if args[:1] == ["--help"] or (not args and self.no_args_is_help):
            return super().parse_args(ctx, args)
        if not args or args[0] not in self.commands:
            alike = difflib.get_close_matches(args[0], list(self.commands), n=1) if args else []
            if alike and not Path(args[0]).exists():
                raise UserError(
                    f"'{args[0]}' is neither a folder nor a command; did you mean `admoe {ctx.info_name} {alike[0]}`?"
                )
            args = [self.default, *args]
        return super().parse_args(ctx, args)
