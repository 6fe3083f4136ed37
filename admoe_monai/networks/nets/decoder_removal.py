"""Taking the decoder off a network whose reconstruction is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from torch import nn

Value = TypeVar("Value")


def without_decoder(weights: Mapping[str, Value]) -> dict[str, Value]:
    """Leave out what belongs to the ``decoder`` of a network.

    Args:
        weights: By name of parameter, such as a state dict.
    """
    return {name: weight for name, weight in weights.items() if not name.startswith("decoder.")}


def remove_decoder(network: nn.Module) -> int:
    """Remove the ``decoder`` of a network, weights and all; a network without one is left as it is.

    Optimizers that hold its parameters keep them in memory: build a new one.

    Args:
        network: A network with a child ``decoder``, such as :class:`AlzheimerMMoE`; a wrapper's ``module`` is meant.

    Returns:
        Number of parameters removed.

    Raises:
        ValueError: If the network is of a kind that never has a decoder.
    """
    inner = network.module if isinstance(getattr(network, "module", None), nn.Module) else network
    if not hasattr(inner, "decoder"):
        raise ValueError(f"{type(inner).__name__} has no child named 'decoder'.")
    decoder = inner.decoder
    if not isinstance(decoder, nn.Module):
        return 0
    inner.decoder = None
    return sum(parameter.numel() for parameter in decoder.parameters())
