"""Matching of weights and optimizer state by parameter name, never by position.

A decoder's state loads silently into a head of the same shape when only positions are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from admoe_monai.errors import some_of

from .errors import IncompatibleCheckpointError


@dataclass(frozen=True)
class ParameterMatch:
    """Correspondence of the tensors of a checkpoint with those of a network.

    Attributes:
        matched: Names with equal shapes in both.
        missing: Names that only the network has.
        unexpected: Names that only the checkpoint has.
        reshaped: Names in both, with the checkpoint's shape and the network's.
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    reshaped: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]

    def differences(self, limit: int = 3) -> str:
        """Name what does not match, the first few of each kind."""
        parts = []
        for kind, names in (("missing", self.missing), ("unexpected", self.unexpected)):
            if names:
                parts.append(f"{len(names)} {kind} ({some_of(names, limit)})")
        if self.reshaped:
            shown = some_of([f"{n} {list(a)} instead of {list(b)}" for n, a, b in self.reshaped], limit)
            parts.append(f"{len(self.reshaped)} of another shape ({shown})")
        return "; ".join(parts)


def match_parameters(checkpoint: Mapping[str, torch.Tensor], network: Mapping[str, torch.Tensor]) -> ParameterMatch:
    """Compare two state dicts by name and shape.

    Args:
        checkpoint: Entry `model_state_dict` of a file.
        network: State dict of a network.
    """
    common = [name for name in network if name in checkpoint]
    return ParameterMatch(
        matched=tuple(n for n in common if checkpoint[n].shape == network[n].shape),
        missing=tuple(n for n in network if n not in checkpoint),
        unexpected=tuple(n for n in checkpoint if n not in network),
        reshaped=tuple(
            (n, tuple(checkpoint[n].shape), tuple(network[n].shape))
            for n in common
            if checkpoint[n].shape != network[n].shape
        ),
    )


def load_matched(network: nn.Module, checkpoint: Mapping[str, torch.Tensor]) -> ParameterMatch:
    """Copy the weights whose name and shape match into the network and leave the others as they are.

    Args:
        network: Network that receives the weights in place.
        checkpoint: Entry `model_state_dict` of a file.

    Returns:
        Names that matched and names that did not: judging them is the caller's task.
    """
    match = match_parameters(checkpoint, network.state_dict())
    # strict=False is safe here: exactly the matched names are passed, and the rest is reported.
    network.load_state_dict({name: checkpoint[name] for name in match.matched}, strict=False)
    return match


def optimizer_state_by_name(
    state: Mapping[str, Any], parameter_names: Sequence[str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Translate an optimizer's state dict from positions to parameter names.

    Args:
        state: Result of `optimizer.state_dict()`.
        parameter_names: Name of each parameter in the order of the groups.

    Returns:
        The state per name, and the groups with names in place of positions.

    Raises:
        IncompatibleCheckpointError: If there is no state, or the numbers of names and of parameters differ.
    """
    if not state.keys() >= {"state", "param_groups"}:
        raise IncompatibleCheckpointError("the checkpoint holds no optimizer state, without which no resume is exact")
    count = sum(len(group["params"]) for group in state["param_groups"])
    if count != len(parameter_names):
        raise IncompatibleCheckpointError(
            f"the optimizer state is of {count} parameters but {len(parameter_names)} are named in the checkpoint"
        )
    names = dict(zip((p for group in state["param_groups"] for p in group["params"]), parameter_names, strict=True))
    groups = [{**group, "params": [names[p] for p in group["params"]]} for group in state["param_groups"]]
    return {names[p]: s for p, s in state["state"].items()}, groups


def optimizer_state_from_names(
    state: Mapping[str, Any], parameter_names: Sequence[str], own_names: Sequence[str], own_state: Mapping[str, Any]
) -> dict[str, Any]:
    """Arrange the state dict of a checkpoint for an optimizer whose parameters may stand in another order.

    Args:
        state: Entry `optimizer_state_dict` of a checkpoint.
        parameter_names: Names in the checkpoint, in the order of its groups.
        own_names: Names of the optimizer to load into, in the order of its groups.
        own_state: State dict of that optimizer, whose groups decide which parameters go where.

    Returns:
        A state dict for `optimizer.load_state_dict`.

    Raises:
        IncompatibleCheckpointError: If the two don't have the same parameters in corresponding groups.
    """
    by_name, groups = optimizer_state_by_name(state, parameter_names)
    _, own_groups = optimizer_state_by_name(own_state, own_names)
    if len(groups) != len(own_groups) or any(
        set(group["params"]) != set(own["params"]) for group, own in zip(groups, own_groups, strict=True)
    ):
        foreign = sorted(set(parameter_names) ^ set(own_names))
        raise IncompatibleCheckpointError(
            "the optimizer state of the checkpoint is of other parameters"
            + (f" ({some_of(foreign)})" if foreign else " (grouped otherwise)")
        )
    positions = dict(zip(own_names, (p for g in own_state["param_groups"] for p in g["params"]), strict=True))
    return {
        "state": {positions[name]: entry for name, entry in by_name.items()},
        "param_groups": [
            {**group, "params": own["params"]} for group, own in zip(groups, own_state["param_groups"], strict=True)
        ],
    }
