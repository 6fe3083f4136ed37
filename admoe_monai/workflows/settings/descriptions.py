"""What `configs/train.yaml` says of each setting, for help on the terminal: its group, its default, its comment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .names import ENTRY_KEYS, declarations

_GROUP = re.compile(r"# -{3,} (?P<name>.+?) -{3,}$")
_SETTING = re.compile(r"(?P<name>\w+):(?P<value>.*)$")
_COMMENT = re.compile(r"(?:^|\s)#\s*(?P<words>.*)$")


@dataclass(frozen=True)
class Description:
    """What is said of a setting.

    Attributes:
        name: Name of the setting.
        group: Heading under which it stands.
        default: Default as it is written.
        comment: Comment behind it, in one line.
    """

    name: str
    group: str
    default: str
    comment: str


def descriptions() -> list[Description]:
    """Read the descriptions of all settings, in the order of the file."""
    return list(_read(declarations().splitlines()))


def _read(lines: list[str]) -> Iterator[Description]:
    group, at = "", 0
    while at < len(lines):
        line, at = lines[at], at + 1
        heading = _GROUP.match(line)
        if heading:
            group = heading["name"]
            continue
        start = _SETTING.match(line)
        if not start or start["name"] in ENTRY_KEYS:
            continue
        written, comment = _parted(start["value"])
        below = []
        while at < len(lines) and lines[at].startswith(" "):  # a mapping over several lines
            entry, more = _parted(lines[at])
            below += [entry.strip()] * bool(entry.strip())
            comment, at = f"{comment} {more}", at + 1
        default = f"{{{', '.join(below)}}}" if below else written.strip()
        yield Description(start["name"], group, default, comment.strip())


def _parted(text: str) -> tuple[str, str]:
    comment = _COMMENT.search(text)
    return (text[: comment.start()], comment["words"]) if comment else (text, "")
