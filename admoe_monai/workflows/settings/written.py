"""A config file as it is written, and in which line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from admoe_monai.errors import UserError, reason_of
from admoe_monai.yaml_files import load_yaml


@dataclass(frozen=True)
class Written:
    """Contents of a config file.

    Attributes:
        file: The file.
        content: Values by key; nothing is evaluated.
        lines: Line of each key, from 1; keys within others by their way there, such as `network::encoder::depths`.
        repeated: Keys that stand there a second time, each with that line; YAML takes the last without a word.
    """

    file: Path
    content: Mapping[str, Any]
    lines: Mapping[str, int]
    repeated: Mapping[str, int]

    def place(self, key: str) -> str:
        """Name the file and the line of a key, or of the nearest one that it lies within."""
        while key not in self.lines and "::" in key:
            key = key.rpartition("::")[0]
        return f"{self.file}, line {self.lines[key]}" if key in self.lines else str(self.file)


def read_written(file: Path) -> Written:
    """Read a config file.

    Args:
        file: YAML or JSON.

    Raises:
        UserError: If it can't be read or holds something else than settings.
    """
    try:
        text = file.read_text(encoding="utf-8")
        # 1e-4 is a number in JSON, and a text in the YAML that is read here.
        content = json.loads(text) if file.suffix == ".json" else load_yaml(text)
        # JSON may be indented with tabs, which YAML does not take; within its texts there are none.
        node = yaml.compose(text.replace("\t", " ") if file.suffix == ".json" else text, Loader=yaml.SafeLoader)
    except (OSError, RecursionError, ValueError, yaml.YAMLError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where is not None else ""
        problem = getattr(error, "problem", None) or reason_of(error)
        remedy = "; YAML is indented with spaces" if "'\\t'" in problem else ""
        raise UserError(f"cannot read {file}{line}: {problem}{remedy}") from error
    if content is None:
        return Written(file, {}, {}, {})
    if not isinstance(content, dict):
        raise UserError(f"{file} is no config: it holds a {type(content).__name__} where settings are expected")
    if _holds_itself(content):
        raise UserError(f"{file} has a value that holds itself, by the & and * of YAML")
    lines: dict[str, int] = {}
    repeated: dict[str, int] = {}
    for key, number in _keys(node):
        if key in lines:
            repeated[key] = number
        lines[key] = number
    return Written(file, {str(key): value for key, value in content.items()}, lines, repeated)


def _holds_itself(value: Any, within: tuple[int, ...] = ()) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return id(value) in within or any(_holds_itself(part, (*within, id(value))) for part in parts)


def _keys(node: yaml.Node | None, path: str = "", seen: frozenset[int] = frozenset()) -> Iterator[tuple[str, int]]:
    """Yield the way to each key and its line; a part that stands in several places is looked into once in each branch."""
    if node is None or id(node) in seen:
        return
    seen |= {id(node)}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            way = f"{path}{key.value}"
            yield way, key.start_mark.line + 1
            yield from _keys(value, f"{way}::", seen)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _keys(value, f"{path}{number}::", seen)
