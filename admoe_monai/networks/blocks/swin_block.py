"""One block of Swin Transformer V2, with a plain feed-forward network or a mixture of experts.

Axis letters: B batch, *S spatial axes, C channels, E experts, T streams of tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

from timm.layers import DropPath
from torch import Tensor, nn

from ..layers.windows import WindowPlan
from .mmoe import GateMeans, MMoE
from .window_attention import WindowAttention


class SwinTransformerV2Block(nn.Module):
    """Windowed attention and a feed-forward network, each normalised before it is added (arXiv:2111.09883).

    Args:
        dim: Width of a token.
        attn: Attention inside windows.
        mlp: Feed-forward network, or a mixture of experts.
        window_size: Largest window along each axis, in tokens.
        shifted: Whether windows are shifted by half their size.
        drop_path: Rate at which a sample skips a residual branch in training.
    """

    def __init__(
        self,
        dim: int,
        attn: WindowAttention,
        mlp: nn.Module,
        *,
        window_size: Sequence[int],
        shifted: bool,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.window_size = tuple(window_size)
        self.shifted = shifted
        self.attn = attn
        self.norm1 = nn.LayerNorm(dim)
        self.mlp = mlp
        self.norm2 = nn.LayerNorm(dim)
        self.drop_path = DropPath(drop_path) if drop_path > 0 else nn.Identity()

    def forward(
        self, x: Tensor, streams: Sequence[Sequence[str]], guidance: Tensor | None = None
    ) -> tuple[Tensor, dict[str, GateMeans]]:
        """Apply the block.

        Args:
            x: Tokens of all streams, one stream after another along the batch, ``(T * B, *S, C)``.
            streams: The tasks that each of the T streams serves.
            guidance: Expert weights that replace the gates of a sample, ``(B, E)``; see :class:`MMoE`.

        Returns:
            Tokens, ``(T * B, *S, C)``, and per task the means of its gate; none from a plain block.
        """
        x = x + self.drop_path(self.norm1(self._attend(x)))
        means: dict[str, GateMeans] = {}
        if isinstance(self.mlp, MMoE):
            out, means = self.mlp(x, streams, guidance)
        else:
            out = self.mlp(x)
        return x + self.drop_path(self.norm2(out)), means

    def _attend(self, x: Tensor) -> Tensor:
        # Sizes become plain integers here, so that a window plan can be looked up.
        plan = WindowPlan.balanced([int(length) for length in x.shape[1:-1]], self.window_size, self.shifted)
        windows = self.attn(plan.partition(x), plan.window, plan.mask(x.device))
        return plan.reverse(windows)
