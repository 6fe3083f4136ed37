"""Tiny networks whose every parameter is drawn at random, and what tests ask of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from admoe_monai.networks.nets import AlzheimerMMoE
from tiny_networks import tiny_network


def make(spatial_dims: int = 3, **settings: Any) -> AlzheimerMMoE:
    torch.manual_seed(0)
    net = tiny_network(spatial_dims, **settings)
    # Norms start at zero and would hide the blocks from any test.
    for parameter in net.parameters():
        parameter.data.normal_(std=0.3)
    return net


def volume(batch: int = 2, dims: int = 3) -> Tensor:
    return torch.randn(batch, 1, *(8, 6, 5)[:dims], generator=torch.Generator().manual_seed(1))


def with_gradient(net: nn.Module) -> set[str]:
    return {name for name, p in net.named_parameters() if p.grad is not None and bool(p.grad.any())}


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())
