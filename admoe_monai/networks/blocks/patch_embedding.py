"""From voxels to tokens. Axis letters: B batch, C channels, D embedding width, *S spatial axes."""

from __future__ import annotations

from collections.abc import Callable

from monai.networks.blocks import Convolution
from monai.networks.layers.factories import Conv, Pool
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
        tokens: Tensor = self.norm(self.proj(_whole_patches(x, self.patch_size)).movedim(1, -1))
        return tokens


class ConvolutionalStem(nn.Module):
    """Convolutions of 3 voxels that overlap, each with batch norm, ReLU and a maximum over 2 voxels; then a LayerNorm.

    A patch of 4 voxels is one linear look at what lies in it; a stem first finds borders and thin structures where they lie, as
    the first blocks of a CNN do (Xiao et al. 2021, arXiv:2106.14881). A token sees a few voxels beyond its patch.

    Args:
        spatial_dims: Number of spatial axes.
        in_channels: Channels of the image.
        embed_dim: Width of a token; a convolution before the last one has a quarter of the next one's.
        patch_size: Voxels per token along each axis, a power of two.

    Raises:
        ValueError: If the patch is no power of two, or the width too small to be divided.
    """

    def __init__(self, spatial_dims: int, in_channels: int, embed_dim: int, patch_size: int) -> None:
        super().__init__()
        steps = patch_size.bit_length() - 1
        if patch_size < 2 or patch_size != 2**steps:
            raise ValueError(
                f"stem: convolutions halve an axis each, so patch_size must be 2, 4, 8, ..., got {patch_size}"
            )
        widths = [embed_dim // 4 ** (steps - 1 - step) for step in range(steps)]
        if widths[0] < 1:
            raise ValueError(f"stem: an embed_dim of {embed_dim} is too small for a patch_size of {patch_size}")
        self.patch_size = patch_size
        self.convolutions = nn.Sequential()
        for before, after in zip((in_channels, *widths), widths, strict=False):
            convolution = Convolution(
                spatial_dims, before, after, kernel_size=3, bias=False, norm="batch", act="relu", adn_ordering="NA"
            )
            self.convolutions.append(convolution)
            self.convolutions.append(Pool[Pool.MAX, spatial_dims](kernel_size=2))
        self.proj = Conv[Conv.CONV, spatial_dims](embed_dim, embed_dim, kernel_size=1)
        self.norm = nn.LayerNorm(embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Embed ``(B, C, *S)`` into tokens ``(B, *grid, D)``, grid = ceil(S / patch_size)."""
        features = self.convolutions(_whole_patches(x, self.patch_size))
        tokens: Tensor = self.norm(self.proj(features).movedim(1, -1))
        return tokens


#: What the setting ``stem`` can name; each is made with axes, channels, width and patch.
STEMS: dict[str, Callable[[int, int, int, int], nn.Module]] = {"patch": PatchEmbed, "convolution": ConvolutionalStem}


def make_stem(spatial_dims: int, in_channels: int, embed_dim: int, patch_size: int, name: str) -> nn.Module:
    """Make one of :data:`STEMS`.

    Args:
        spatial_dims: Number of spatial axes.
        in_channels: Channels of the image.
        embed_dim: Width of a token.
        patch_size: Voxels of a patch along each axis.
        name: Its name there.

    Raises:
        ValueError: If the name is not known.
    """
    if name not in STEMS:
        raise ValueError(f"stem must be one of {', '.join(STEMS)}, got '{name}'.")
    return STEMS[name](spatial_dims, in_channels, embed_dim, patch_size)


def _whole_patches(x: Tensor, patch_size: int) -> Tensor:
    overhang = [-length % patch_size for length in x.shape[2:]]
    return F.pad(x, [p for missing in reversed(overhang) for p in (0, missing)]) if any(overhang) else x
