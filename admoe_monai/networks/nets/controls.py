"""Backbones to hold the transformer against: a plain CNN, a linear view of the voxels, and none at all.

Each goes into :class:`FeatureMapEncoder`, so that heads, prior, loss and plan are those of the network that it is a control
of. Axis letters: B batch, C channels, D width of a feature, *S spatial axes, *G positions along each of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from monai.networks.blocks import Convolution
from monai.networks.layers.factories import Pool
from monai.utils import ensure_tuple_rep
from torch import Tensor, nn


class PlainCNN(nn.Sequential):
    """Blocks of a convolution of 3 voxels, batch norm and ReLU, with a maximum over 2 voxels between them.

    The encoder of the CNN that Wen et al. (2020, doi 10.1016/j.media.2020.101694) compare classifiers of Alzheimer's disease
    with; their linear layers give way to the heads of this package. Called on ``(B, C, *S)`` it returns ``(B, D, *G)``, D the
    last of ``channels``, G = S / 2^(blocks - 1).

    Args:
        spatial_dims: Number of spatial axes.
        in_channels: Channels of the image.
        channels: Channels of each block.
    """

    def __init__(self, spatial_dims: int, in_channels: int, channels: Sequence[int] = (8, 16, 32, 64, 128)) -> None:
        pool = Pool[Pool.MAX, spatial_dims]
        super().__init__()
        for number, (before, after) in enumerate(zip((in_channels, *channels), channels, strict=False)):
            if number:
                self.append(pool(kernel_size=2))
            self.append(
                Convolution(spatial_dims, before, after, kernel_size=3, norm="batch", act="relu", adn_ordering="NA")
            )


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
