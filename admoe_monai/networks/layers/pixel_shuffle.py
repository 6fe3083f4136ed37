"""Pixel shuffle as a module, for any number of spatial axes."""

from __future__ import annotations

from monai.networks.utils import pixelshuffle
from torch import Tensor, nn


class PixelShuffle(nn.Module):
    """Rearrange channels into finer voxels: MONAI's ``pixelshuffle`` function as a layer without parameters.

    Args:
        spatial_dims: Number of spatial axes.
        scale: Voxels along each axis that one position unfolds into.
    """

    def __init__(self, spatial_dims: int, scale: int) -> None:
        super().__init__()
        self.spatial_dims = spatial_dims
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Unfold ``(B, C * scale^n, *S)`` into ``(B, C, *(scale * S))``."""
        return pixelshuffle(x, self.spatial_dims, self.scale)
