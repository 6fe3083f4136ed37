"""Backbones to hold the transformer against, beside a plain CNN: a linear view of the voxels, and none at all.

Each goes into :class:`FeatureMapEncoder`, so that heads, prior, loss and plan are those of the network that it is a control
of. Axis letters: B batch, C channels, D width of a feature, *S spatial axes, *G positions along each of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from monai.networks.layers.factories import Pool
from monai.utils import ensure_tuple_rep
from torch import Tensor, nn


class VoxelCubes(nn.Module):
    """Means over cubes of voxels as the features of one position: a linear head makes a linear model of them.

    Args:
        spatial_dims: Number of spatial axes.
        edge: Voxels of a cube along each axis.
    """

    def __init__(self, spatial_dims: int, edge: int) -> None:
        super().__init__()
        self.pool = Pool[Pool.AVG, spatial_dims](kernel_size=edge)

    def forward(self, x: Tensor) -> Tensor:
        """Turn ``(B, C, *S)`` into ``(B, C * cubes, 1, ...)``."""
        cubes: Tensor = self.pool(x)
        return cubes.flatten(1).reshape(x.shape[0], -1, *[1] * (x.ndim - 2))

    @staticmethod
    def number(spatial_dims: int, in_channels: int, img_size: int | Sequence[int], edge: int) -> int:
        """Count the features of an image.

        Args:
            spatial_dims: Number of spatial axes.
            in_channels: Channels of the image.
            img_size: Voxels along each axis, or along all.
            edge: Voxels of a cube along each axis.
        """
        return in_channels * math.prod(length // edge for length in ensure_tuple_rep(img_size, spatial_dims))


class NoImage(nn.Module):
    """One learned token whatever the image: what a prior alone achieves behind the same heads.

    Args:
        num_features: Width D of the token.
    """

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(num_features))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, D, 1, ...)``."""
        return self.token.expand(x.shape[0], -1).reshape(x.shape[0], -1, *[1] * (x.ndim - 2))
