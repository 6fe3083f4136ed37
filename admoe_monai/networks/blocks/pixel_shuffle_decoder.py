"""From the last tokens back to voxels, in one linear step.

Axis letters: B batch, C channels of the image, D width of a token, *G tokens along each axis.
"""

from __future__ import annotations

from monai.networks.layers.factories import Conv
from torch import nn

from ..layers.pixel_shuffle import PixelShuffle


class PixelShuffleDecoder(nn.Sequential):
    """The decoder of SimMIM (Xie et al. 2022, arXiv:2111.09886): a convolution of one position and a pixel shuffle.

    Called on ``(B, D, *G)`` it returns ``(B, C, *(stride * G))``.

    Args:
        in_channels: Width D of a token.
        stride: Voxels along each axis that a token unfolds into.
        spatial_dims: Number of spatial axes.
        out_channels: Channels C of the image.
    """

    def __init__(self, in_channels: int, stride: int, *, spatial_dims: int, out_channels: int) -> None:
        super().__init__(
            Conv[Conv.CONV, spatial_dims](in_channels, stride**spatial_dims * out_channels, kernel_size=1),
            PixelShuffle(spatial_dims, stride),
        )
