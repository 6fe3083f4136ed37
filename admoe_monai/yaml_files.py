"""YAML that others have written: one kind of error for what PyYAML stumbles over, and an end to what aliases stand for."""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["load_yaml"]

#: Values that a file may stand for once each `*name` is replaced by what it means: nine lines of aliases make a billion.
MOST_VALUES = 1_000_000


def load_yaml(text: str) -> Any:
    """Read one document.

    Args:
        text: YAML; nothing but plain values is made of it.

    Raises:
        yaml.YAMLError: For whatever is wrong with it.
    """
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _values(node, {}) > MOST_VALUES:
            raise yaml.YAMLError(f"its & and * stand for more than {MOST_VALUES} values")
        return loader.construct_document(node)
    except yaml.YAMLError:
        raise
    # PyYAML (6.0): !!timestamp x is an AttributeError, !!bool x a KeyError, !!int '' an IndexError.
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise yaml.YAMLError(str(error) or type(error).__name__) from error
    finally:
        loader.dispose()


def _values(node: yaml.Node, known: dict[int, int]) -> int:
    """Number of values that a node stands for; one that holds itself counts once."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = 1
    parts: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        parts = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        parts = node.value
    known[id(node)] = 1 + sum(_values(part, known) for part in parts)
    return known[id(node)]
