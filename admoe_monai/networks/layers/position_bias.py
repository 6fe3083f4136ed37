"""Relative positions inside a window, the input of the continuous position bias of Swin Transformer V2."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .constants import constant


@constant
def relative_positions(
    window: tuple[int, ...], pretrained_window: tuple[int, ...] | None, device: torch.device
) -> tuple[Tensor, Tensor]:
    """List the relative positions of a window and where each pair of tokens finds its own.

    Log-spaced coordinates of Liu et al. 2022 (arXiv:2111.09883, section 3.3): ``sign(x) * log2(1 + |8 x|) / log2(8)``
    with x scaled to -1…1 by the window, or by the window of pretraining when that was another one.

    Args:
        window: Tokens of the window along each of n axes.
        pretrained_window: Tokens along each axis of the window that the bias was trained with; None for the same.
        device: Where the tables are needed.

    Returns:
        Coordinates ``(M, n)`` in float32, M the number of relative positions, and indices ``(N * N,)`` into them for
        every pair of the N tokens.
    """
    extents = window if pretrained_window is None else pretrained_window
    # float32 whatever the network's precision, as in timm: float64 coordinates would break parity at 1e-8.
    steps = [
        torch.arange(1 - w, w, dtype=torch.float32) / max(extent - 1, 1)
        for w, extent in zip(window, extents, strict=True)
    ]
    scaled = torch.stack(torch.meshgrid(*steps, indexing="ij"), dim=-1).flatten(0, -2) * 8
    coordinates = torch.sign(scaled) * torch.log2(torch.abs(scaled) + 1.0) / math.log2(8)

    tokens = torch.stack(torch.meshgrid(*(torch.arange(w) for w in window), indexing="ij")).flatten(1)
    difference = tokens[:, :, None] - tokens[:, None, :]
    index = torch.zeros_like(difference[0])
    for axis, w in enumerate(window):
        index = index * (2 * w - 1) + difference[axis] + (w - 1)
    return coordinates.to(device), index.flatten().to(device)
