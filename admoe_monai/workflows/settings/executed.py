"""What a config would run if it were built: expressions, imports, components. Nothing is evaluated or imported to tell.

Values, references, arithmetic and the parts that networks are made of run nothing that could harm; all else is code of whoever
wrote the config.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from .resources import resource

#: Where this package's own choices of networks stand.
_PLANS = ("bundle/configs/plan.yaml", "configs/overlays")
#: A layer, or a part of a network of this package; what lies deeper could be whatever such a module has imported.
_LAYER = re.compile(r"torch\.nn\.\w+|admoe_monai\.networks\.(nets|blocks|layers)\.\w+")
#: The lines of an entry point, as this package writes them into each run's config.
_ENTRY = re.compile(
    r"\$import admoe_monai\.workflows as workflows|\$workflows\.(compose\((['\"]\w+['\"])?\)|train\(\))"
)
_REFERENCE = re.compile(r"@\w*(?:::\w*)*")
_STAND_IN = "_reference_"
_ARITHMETIC = (
    ast.Expression, ast.Constant, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.List, ast.Tuple, ast.Dict,
    ast.Starred, ast.Subscript, ast.Load, ast.unaryop, ast.boolop, ast.cmpop, ast.Add, ast.Sub, ast.Mult, ast.Div,
    ast.FloorDiv, ast.Mod,
)  # fmt: skip
_TARGET, _MODE = "_target_", "_mode_"
#: Ways to make a component that MONAI has, but for its debugger.
HARMLESS_MODES = ("default", "callable")
#: Files of a phase: what a reference or a sum of texts names here could not be looked at.
_FILES = "phase_overlays"


def executed(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Find what a config would run.

    Args:
        content: Config as it is written.

    Yields:
        The top-level key and the text, in the order of the config.
    """
    for key, value in content.items():
        for text in _of_value(value, key, literal_alone=_FILES in key):
            yield key, text


def _of_value(value: Any, key: str, literal_alone: bool) -> Iterator[str]:
    name = re.split("::|#", key)[-1]
    if name == _TARGET and not _is_layer(value):
        yield str(value)
    elif name == _MODE and value not in HARMLESS_MODES:
        yield f"{_MODE} {value}"
    elif isinstance(value, Mapping):
        for inner, part in value.items():
            yield from _of_value(part, str(inner), literal_alone)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _of_value(part, "", literal_alone)
    elif isinstance(value, str) and not _is_plain(value, literal_alone):
        yield value


def _is_layer(target: Any) -> bool:
    return isinstance(target, str) and (_LAYER.fullmatch(target) is not None or target in _own_targets())


def _is_plain(text: str, literal_alone: bool) -> bool:
    if not text.startswith(("$", "%", "@")):
        return True
    if text.startswith("@"):
        return not literal_alone
    if text.startswith("%"):  # a part of another file
        return False
    if _ENTRY.fullmatch(text):
        return True
    if "#" in text:  # MONAI puts :: in its place, whatever it means in Python
        return False
    try:
        tree = ast.parse(_REFERENCE.sub(_STAND_IN, text[1:]).strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    nodes = list(ast.walk(tree))
    if literal_alone:
        return all(isinstance(node, (ast.Expression, ast.Constant, ast.List, ast.Load)) for node in nodes) and all(
            map(_is_arithmetic, nodes)
        )
    return all(map(_is_arithmetic, nodes))


def _is_arithmetic(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id == _STAND_IN
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        # MONAI puts quotes around what a reference stands for, which would end this text.
        return _STAND_IN not in node.value
    return isinstance(node, _ARITHMETIC)


@functools.cache
def _own_targets() -> frozenset[str]:
    """Collect the components that this package's own plan and overlays make networks of."""
    files = [
        file for name in _PLANS for file in ([resource(name)] if name.endswith(".yaml") else resource(name).iterdir())
    ]
    contents = (yaml.safe_load(file.read_text(encoding="utf-8")) for file in files)
    return frozenset(
        target
        for content in contents
        for part in (content.get("network"), content.get("network_def"))
        for target in _targets(part)
    )


def _targets(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get(_TARGET), str):
            yield value[_TARGET]
        for part in value.values():
            yield from _targets(part)
    elif isinstance(value, list):
        for part in value:
            yield from _targets(part)
