"""Words that the user typed behind `python -m monai.bundle run`, before Fire and MONAI made values of it.

Fire (0.7) reads `run #7` as `run`, `2024_01` as 202401 and `a,b` as a tuple, and takes the rest of a path that lacks its quotes
for further arguments of `run`; MONAI (1.6.1) replaces every `#` by `::` and reads `$`, `@` and `%` as its own language.
"""

from __future__ import annotations

import ast
import contextlib
import os
import re
import shlex
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fire.parser import DefaultParseValue

from admoe_monai.errors import UserError

from .literal_text import literal

if TYPE_CHECKING:  # at run time it would cost seconds
    from monai.bundle import ConfigParser, ConfigWorkflow

_PROGRAM = ("monai", "bundle", "__main__.py")
#: Ids that `run` begins with unless told otherwise; no config of this package names them otherwise.
_IDS = ("initialize", "finalize")


@dataclass(frozen=True)
class CommandLine:
    """Words of a command line.

    Attributes:
        words: Words that belong to no `--name`.
        values: Values by name; the last one counts.
    """

    words: tuple[str, ...]
    values: dict[str, str]

    @classmethod
    def of(cls, arguments: Sequence[str]) -> CommandLine:
        """Take arguments apart as Fire does.

        Args:
            arguments: Words without the program.
        """
        words, values, rest = [], {}, list(arguments)
        while rest:
            word = rest.pop(0)
            if not _is_name(word):
                words.append(word)
                continue
            name, equals, value = word.lstrip("-").partition("=")
            if equals or (rest and not _is_name(rest[0])):
                values[name.replace("-", "_")] = value if equals else rest.pop(0)
        return cls(tuple(words), values)

    @property
    def strays(self) -> tuple[str, ...]:
        """List the words that `run` has no use for, behind its own name and the id to run."""
        if self.words[:1] != ("run",):
            return ()
        return self.words[1:] if "run_id" in self.values else self.words[2:]

    @classmethod
    def at_hand(cls) -> CommandLine | None:
        """Return the command line of this process; None if it is not `python -m monai.bundle`."""
        return cls.of(sys.argv[1:]) if Path(sys.argv[0]).parts[-3:] == _PROGRAM else None


def refuse_stray_words(workflow: ConfigWorkflow) -> None:
    """Refuse the second half of a path without quotes, which MONAI takes for the id of something to run.

    Args:
        workflow: Workflow that is running.

    Raises:
        UserError: Naming the word.
    """
    line = CommandLine.at_hand()
    if line is not None and workflow.run_id not in workflow.parser:
        raise UserError(
            f"nothing here is called '{workflow.run_id}': the command begins with python -m monai.bundle run training, "
            "and paths with spaces need quotes"
        )
    stray = list(line.strays) if line is not None else []
    stray += [
        str(given) for given, usual in zip((workflow.init_id, workflow.final_id), _IDS, strict=True) if given != usual
    ]
    if stray:
        raise UserError(f"unexpected word '{stray[0]}': quote paths with spaces")


def as_word(path: str | Path) -> str:
    """Quote a path for a command that is printed for the user to copy.

    Args:
        path: Path, perhaps with blanks or other characters that a shell, or Fire, would read otherwise.
    """
    # Fire cuts a bare word before a #, and leaves alone what can't be Python.
    return shlex.quote(os.path.abspath(path) if "#" in str(path) else str(path))


def take_as_typed(parser: ConfigParser, texts: Collection[str], lists: Iterable[str] = ()) -> None:
    """Restore texts as the user typed them, and refuse a text from elsewhere that MONAI has changed.

    Args:
        parser: Parser of the running config; names that it lacks are left alone.
        texts: Names of settings that are one text: a path, a name.
        lists: Names of settings that are lists of texts.

    Raises:
        UserError: For a text that can't be what the user meant.
    """
    line = CommandLine.at_hand()
    typed = line.values if line is not None else {}
    for name in {*texts, *lists} & parser.config.keys():
        if name in typed:
            parser[name] = literal(as_typed(name, typed[name], name in texts))
        else:
            refuse_replaced(name, parser.config[name])


def as_typed(name: str, word: str, is_text: bool) -> Any:
    """Read the value of a setting as Fire reads it, but for texts, all of whose characters count.

    Args:
        name: Name of the setting.
        word: Word of the command line.
        is_text: Whether the setting is one text: a path, a name.

    Raises:
        UserError: For a variable that the shell has not replaced.
    """
    value = _as_it_stands(word) if is_text else DefaultParseValue(word)
    _refuse_unexpanded(name, value)
    return value


def refuse_replaced(name: str, value: Any) -> None:
    """Refuse a text in which MONAI replaces characters, or has done so.

    Args:
        name: Name of a setting that is a text, or a list of texts.
        value: Value as a config file or a Python program gives it; what is in MONAI's language is left to MONAI.

    Raises:
        UserError: Saying how to write the text.
    """
    for text in _texts(value):
        if text[:1] not in ("$", "@", "%") and ("::" in text or "#" in text):
            raise UserError(
                f"{name} is '{text}', but MONAI replaces every # in a config by ::; give it on the command line, or "
                f"write in the config: {literal(text.replace('::', '#'))}"
            )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _is_name(word: str) -> bool:
    return re.match("--|-[a-zA-Z]", word) is not None


def _as_it_stands(word: str) -> str | None:
    """Return the word without quotes that are meant for Fire; None for a word that stands for nothing."""
    if word in ("None", "null"):
        return None
    if word[:1] in ("'", '"'):
        with contextlib.suppress(ValueError, SyntaxError):
            return str(ast.literal_eval(word))
    return word


def _refuse_unexpanded(name: str, value: Any) -> None:
    for text in _texts(value):
        variable = re.search(r"\$\{?(\w+)\}?", text)
        if variable is not None and variable[1] in os.environ:
            raise UserError(
                f"{name} is '{text}': the shell has not put in what {variable[0]} stands for; "
                "take double quotes or none in the place of single ones"
            )
