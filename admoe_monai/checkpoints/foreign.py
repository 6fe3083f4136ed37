"""Kind of a file that a user hands in, and the weights in it: this package's, the original training code's, or another's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import torch

from admoe_monai.errors import some_of

from .evaluated import weights_to_evaluate
from .format import CONTRACT_TYPES


class FileKind(StrEnum):
    """Kind of a torch file, in words for messages."""

    OWN = "a checkpoint of admoe_monai"
    ORIGINAL = "a checkpoint of the original training code"
    TRAINING = "a checkpoint of another training code"
    BARE = "a bare state dict"
    OTHER = "a torch file without weights that could be told by name"


# Prefixes that DataParallel and torch.compile put in front of every name.
_WRAPPERS = ("module.", "_orig_mod.")
# Where the training codes of Swin Transformer, SimMIM and MONAI's tutorials keep the weights in a checkpoint.
_CONTAINERS = ("model", "state_dict")


@dataclass(frozen=True)
class FileContents:
    """Findings about a torch file.

    Attributes:
        weights: Weights by name, without the prefix of a wrapper; empty where there are none. In a checkpoint of this
            package, those that it is evaluated by.
        claims: Values that the file states about itself, under keys that a checkpoint of this package has as well.
        wrapper: Prefix that was taken off the names; empty where there was none.
        remark: Contents of a file without weights in a known place, such as where weights might lie instead.
    """

    kind: FileKind
    weights: dict[str, torch.Tensor] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    wrapper: str = ""
    remark: str = ""

    @property
    def decoder_names(self) -> list[str]:
        """List the names of the weights of a SimMIM decoder."""
        return [name for name in self.weights if name.startswith("decoder.")]

    @property
    def lacks(self) -> str:
        """Say what a resume needs and a foreign file doesn't have."""
        if self.kind is FileKind.OTHER:
            return "everything that a resume needs"
        if self.kind is FileKind.BARE:
            return "optimizer, schedule and position"
        return "the settings of the run and the position in its data"


def examine(contents: Any) -> FileContents:
    """Tell what kind of file it is.

    Args:
        contents: Object as `load_safely` returns it.
    """
    if not isinstance(contents, Mapping):
        return FileContents(FileKind.OTHER, remark=f"it holds a {type(contents).__name__}")
    if _is_weights(contents.get("model_state_dict")):
        kind = _kind_of_checkpoint(contents)
        own = kind is FileKind.OWN
        weights, wrapper = _unwrapped(weights_to_evaluate(contents) if own else contents["model_state_dict"])
        claims = {
            key: contents[key]
            for key, kind in CONTRACT_TYPES.items()
            if kind is not dict and isinstance(contents.get(key), (bool, int, float, str))
        }
        return FileContents(kind, weights, claims, wrapper)
    if _is_weights(contents):
        weights, wrapper = _unwrapped(contents)
        return FileContents(FileKind.BARE, weights, wrapper=wrapper)
    if container := next((key for key in _CONTAINERS if _is_weights(contents.get(key))), ""):
        weights, wrapper = _unwrapped(contents[container])
        return FileContents(FileKind.TRAINING, weights, wrapper=wrapper)
    nested = [str(key) for key, value in contents.items() if _is_weights(value)]
    if nested:
        return FileContents(
            FileKind.OTHER, remark=f"weights seem to lie under '{nested[0]}': save that part as a file of its own"
        )
    keys = [str(key) for key in contents]
    shown = some_of(keys, 5)
    return FileContents(FileKind.OTHER, remark=f"its keys are {shown}" if keys else "it is empty")


def component_sizes(weights: Mapping[str, torch.Tensor]) -> dict[str, int]:
    """Count the values per top-level name of a state dict, in its order.

    Args:
        weights: Tensors by name.
    """
    sizes: Counter[str] = Counter()
    for name, weight in weights.items():
        sizes[name.partition(".")[0]] += weight.numel()
    return dict(sizes)


def _kind_of_checkpoint(contents: Mapping[str, Any]) -> FileKind:
    if "format_version" in contents:
        return FileKind.OWN
    return FileKind.ORIGINAL if CONTRACT_TYPES.keys() <= contents.keys() else FileKind.TRAINING


def _is_weights(value: Any) -> bool:
    if not isinstance(value, Mapping) or not value:
        return False
    return all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in value.items())


def _unwrapped(weights: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], str]:
    taken = ""
    # No weights would begin with any prefix, for ever.
    while weights and (prefix := next((w for w in _WRAPPERS if all(name.startswith(w) for name in weights)), "")):
        weights = {name.removeprefix(prefix): weight for name, weight in weights.items()}
        taken += prefix
    return dict(weights), taken
