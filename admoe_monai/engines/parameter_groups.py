"""Which learning rate and which weight decay a parameter gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from timm.optim import param_groups_weight_decay
from torch import nn


def parameter_groups(
    network: nn.Module, lr: float, weight_decay: float, fast: Sequence[str] = (), fast_lr_scale: float = 1.0
) -> list[dict[str, Any]]:
    """Groups for an optimizer: no weight decay on vectors, and a rate of their own for some components.

    A head over the average of all tokens sees numbers that hardly differ between people (a few percent of a token's
    size), so its weights have a longer way to go than those of a pretrained encoder.

    Args:
        network: whose parameters are grouped.
        lr: learning rate of the others.
        weight_decay: of weight matrices; biases, norms and tokens have one dimension and no decay (timm's rule).
        fast: beginnings of the names of the components with `fast_lr_scale` times that rate.
        fast_lr_scale: 1 for a single rate.

    Returns:
        Non-empty groups.
    """
    slow_ones, fast_ones = nn.Module(), nn.Module()
    for name, parameter in network.named_parameters():
        chosen = fast_ones if name.removeprefix("module.").startswith(tuple(fast)) and fast else slow_ones
        # Only names and shapes matter to timm's function, so a flat holder of the parameters will do.
        chosen.register_parameter(name.replace(".", "/"), parameter)
    groups = []
    for holder, rate in ((slow_ones, lr), (fast_ones, lr * fast_lr_scale)):
        groups += [{**group, "lr": rate} for group in param_groups_weight_decay(holder, weight_decay)]
    return [group for group in groups if group["params"]]
