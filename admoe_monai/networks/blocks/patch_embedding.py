"""From voxels to tokens. Axis letters: B batch, C channels, D embedding width, *S spatial axes."""

from __future__ import annotations

from collections.abc import Callable

from monai.networks.layers.factories import Conv
from torch import Tensor, nn
from torch.nn import functional as F

from .plain_cnn import PlainCNN


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


class CNNStem(nn.Module):
    """A plain CNN down to one position per token, as in the hybrids of Dosovitskiy et al. (2021, arXiv:2010.11929).

    With hundreds of people a CNN learns what a transformer of patches does not. Blocks of a transformer that begin as
    identities, as those of Swin V2 do, begin behind it as that very CNN. Each block has half the width of the one behind it,
    the last one that of a token. A token sees the image around its patch as well.

    Args:
        spatial_dims: Number of spatial axes.
        in_channels: Channels of the image.
        embed_dim: Width of a token.
        patch_size: Voxels per token along each axis, a power of two.

    Raises:
        ValueError: If the patch is no power of two.
    """

    def __init__(self, spatial_dims: int, in_channels: int, embed_dim: int, patch_size: int) -> None:
        super().__init__()
        halvings = patch_size.bit_length() - 1
        if patch_size != 2**halvings:
            raise ValueError(
                f"stem: a CNN halves the grid from block to block, so patch_size must be a power of two, got {patch_size}."
            )
        self.patch_size = patch_size
        widths = [max(8, embed_dim >> halving) for halving in range(halvings, 0, -1)]
        self.cnn = PlainCNN(spatial_dims, in_channels, (*widths, embed_dim))

    def forward(self, x: Tensor) -> Tensor:
        """Embed ``(B, C, *S)`` into tokens ``(B, *grid, D)``, grid = ceil(S / patch_size)."""
        tokens: Tensor = self.cnn(_whole_patches(x, self.patch_size)).movedim(1, -1)
        return tokens


#: What the setting ``stem`` can name; each is made with axes, channels, width and patch.
STEMS: dict[str, Callable[[int, int, int, int], nn.Module]] = {
    "patch": PatchEmbed,
    "cnn": CNNStem,
}


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
