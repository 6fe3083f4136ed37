"""Reads the shell commands that documents show, as a reader would copy them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "bundle" / "docs" / "README.md",
    ROOT / "tests" / "faults" / "README.md",
]
_PROGRAMS = ("admoe", "python", "torchrun", "pip", "docker", "apptainer", "sbatch", "bash", "git", "cd", "sha256sum")
_COMMAND = re.compile(rf"(?:[A-Z_]+=\S+ )*(?:(?:{'|'.join(_PROGRAMS)}) |\.?/?scripts/)")
_SHELL_FENCE = re.compile(r"```(?:bash|sh|shell|console)\s*$")


@dataclass(frozen=True)
class Documented:
    """Command of a document.

    Attributes:
        where: Document and number of the first line.
        text: The command in one line, as it is written.
    """

    where: str
    text: str

    @property
    def words(self) -> list[str]:
        """The words that a shell makes of it, without the comment behind it; patterns of file names are left as they are."""
        return shlex.split(self.text, comments=True)

    @property
    def command(self) -> str:
        """The words in one spelling, by which two lines are known for the same command."""
        return shlex.join(self.words)


def documented_commands() -> list[Documented]:
    """Collect the commands in the indented blocks and the shell fences of all documents."""
    return [command for document in DOCUMENTS for command in _commands_in(document)]


def _commands_in(document: Path) -> Iterator[Documented]:
    lines = enumerate(document.read_text(encoding="utf-8").splitlines(), start=1)
    fenced = False
    for number, line in lines:
        text = line.strip()
        if text.startswith("```"):
            fenced = not fenced and _SHELL_FENCE.match(text) is not None
            continue
        if not (fenced or line.startswith("    ")) or not _COMMAND.match(text):
            continue
        while text.endswith("\\"):
            text = text[:-1] + next(lines)[1].strip()
        yield Documented(f"{document.relative_to(ROOT)}:{number}", text)
