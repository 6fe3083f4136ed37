"""From voxels to tokens. Axis letters: B batch, C channels, D embedding width, *S spatial axes."""

from __future__ import annotations

from monai.networks.layers.factories import Conv
from torch import Tensor, nn
from torch.nn import functional as F


class PatchEmbed(nn.Module):
    """Strided convolution over patches and a LayerNorm, with zeros after the end of an axis that a patch overhangs.

    Args:
        spatial_dims: Number of spatial axes.
        in_channels: Channels of the image.
        embed_dim: Width of a token.
        patch_size: Voxels of a patch along each axis.
    """

    def __init__(self, spatial_dims: int, in_channels: int, embed_dim: int, patch_size: int) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.proj = Conv[Conv.CONV, spatial_dims](in_channels, embed_dim, kernel_size=patch_size, stride=patch_size)
        self.norm = nn.LayerNorm(embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Embed ``(B, C, *S)`` into tokens ``(B, *grid, D)``, grid = ceil(S / patch_size)."""
        overhang = [-length % self.patch_size for length in x.shape[2:]]
        if any(overhang):
            x = F.pad(x, [p for missing in reversed(overhang) for p in (0, missing)])
        tokens: Tensor = self.norm(self.proj(x).movedim(1, -1))
        return tokens
