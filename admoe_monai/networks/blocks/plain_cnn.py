"""Convolutions on grids that get coarser. Axis letters: B batch, C channels, D width, *S spatial axes, *G positions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.blocks import Convolution
from monai.networks.layers.factories import Pool
from torch import nn


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
        # The layout of the weights decides that of every map: with channels side by side, CPUs take two thirds of
        # the time in 3D (docs/benchmarks.md).
        self.to(memory_format=torch.channels_last_3d if spatial_dims == 3 else torch.channels_last)
