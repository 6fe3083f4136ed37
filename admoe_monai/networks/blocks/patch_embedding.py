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
    """A convolution of 3 voxels, batch norm and ReLU at every voxel, averaged over each patch and projected; no LayerNorm.

    A patch of 4 voxels is one linear look at what lies in it. Here borders and thin structures are found voxel by voxel
    first, and a token says how much of each lies in its patch; a LayerNorm would take just that away. A token sees one voxel
    beyond its patch. Early convolutions are known to steady transformers (Xiao et al. 2021, arXiv:2106.14881).

    Args:
        spatial_dims: Number of spatial axes.
        in_channels: Channels of the image.
        embed_dim: Width of a token.
        patch_size: Voxels per token along each axis.
        channels: Structures that the convolution tells apart. Most of the stem's time goes by their number.
    """

    def __init__(self, spatial_dims: int, in_channels: int, embed_dim: int, patch_size: int, channels: int = 8) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.convolution = Convolution(
            spatial_dims, in_channels, channels, kernel_size=3, bias=False, norm="batch", act="relu", adn_ordering="NA"
        )
        self.pool = Pool[Pool.AVG, spatial_dims](kernel_size=patch_size)
        self.proj = nn.Linear(channels, embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Embed ``(B, C, *S)`` into tokens ``(B, *grid, D)``, grid = ceil(S / patch_size)."""
        structures = self.pool(self.convolution(_whole_patches(x, self.patch_size)))
        tokens: Tensor = self.proj(structures.movedim(1, -1))
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
