"""From the tokens of one stage to fewer, wider ones. Axis letters: B batch, *S spatial axes, C channels."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class PatchMerging(nn.Module):
    """Concatenate the 2^n neighbours, project to twice the width, normalise (Liu et al. 2022, arXiv:2111.09883).

    Args:
        spatial_dims: Number n of spatial axes.
        dim: Width of the tokens that come in; they leave with twice that.
        norm: Whether a LayerNorm ends it, as in Swin V2.
    """

    def __init__(self, spatial_dims: int, dim: int, norm: bool = True) -> None:
        super().__init__()
        self.reduction = nn.Linear(2**spatial_dims * dim, 2 * dim, bias=False)
        self.norm = nn.LayerNorm(2 * dim) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Merge ``(B, *S, C)`` into ``(B, *ceil(S / 2), 2 * C)``; odd axes are padded with zeros at their end."""
        odd = [length % 2 for length in x.shape[1:-1]]
        if any(odd):
            x = F.pad(x, [0, 0, *(p for missing in reversed(odd) for p in (0, missing))])
        n = x.ndim - 2
        x = x.reshape(x.shape[0], *(part for length in x.shape[1:-1] for part in (length // 2, 2)), x.shape[-1])
        # Neighbours in the order of timm's weights: the last axis varies slowest.
        x = x.permute(0, *range(1, 2 * n, 2), *range(2 * n, 1, -2), 2 * n + 1).flatten(n + 1)
        merged: Tensor = self.norm(self.reduction(x))
        return merged
