"""Settings of a run as options of a command: help in groups, completion by the shell, values as MONAI's command reads them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from admoe_monai.workflows.settings.command_line import CommandLine, as_typed
from admoe_monai.workflows.settings.descriptions import Description, descriptions
from admoe_monai.workflows.settings.table import SETTINGS, TEXTS

#: Unknown options are handed on: entries of mappings, such as --classes_sex, are settings as well.
CONTEXT = {"ignore_unknown_options": True}


class SettingsCommand(TyperCommand):
    """Command whose help shows its options in a panel per group."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "rich_markup_mode": "markdown"})


def takes_settings(names: Container[str] = SETTINGS) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option per setting.

    Args:
        names: Names of these settings.

    Returns:
        Decorator of a function whose last parameter is the settings as they were typed, by name.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        *own, _ = inspect.signature(function, eval_str=True).parameters.values()
        shown = [description for description in descriptions() if description.name in names]

        def command(**given: Any) -> None:
            arguments = {parameter.name: given.pop(parameter.name) for parameter in own}
            function(**arguments, typed={name: value for name, value in given.items() if value is not None})

        signature = inspect.Signature([*own, *map(_option, shown)])
        command.__name__, command.__doc__ = function.__name__, function.__doc__
        command.__signature__ = signature  # type: ignore[attr-defined]
        command.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
        return command

    return decorate


def _option(description: Description) -> inspect.Parameter:
    option = typer.Option(
        f"--{description.name}",
        help=f"{description.comment} [default: {description.default}]".strip(),
        metavar="",
        rich_help_panel=f"Settings: {description.group}",
        show_default=False,
    )
    annotation = Annotated[str | None, option]
    return inspect.Parameter(description.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def with_short_forms(words: list[str], typed: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """Tell the words of a command from the options that it does not list, such as --classes_sex or --max-epochs.

    Args:
        words: Words that are left over.
        typed: Settings as they were typed, by name.
    """
    line = CommandLine.of(words)
    return [*line.words], {**typed, **line.values}


def values_of(typed: dict[str, str]) -> dict[str, Any]:
    """Read the values of settings as they were typed.

    Args:
        typed: Words by setting.

    Raises:
        UserError: For a variable that the shell has not replaced.
    """
    return {name: as_typed(name, word, name in TEXTS) for name, word in typed.items()}
