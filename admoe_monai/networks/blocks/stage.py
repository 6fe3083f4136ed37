"""A stage of Swin Transformer V2: merging, then blocks of one width.

Axis letters: B batch, *S spatial axes, C channels, E experts, T streams of tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from ..layers.gating import Routing
from .patch_merging import PatchMerging
from .swin_block import SwinTransformerV2Block
from .window_attention import WindowAttention


class SwinTransformerV2Stage(nn.Module):
    """Blocks of one width, windows shifted in every second one, and the merging that leads to it.

    Merging stands at the start, as in timm, so that a stage's output is what comes before the next merging.

    Args:
        index: Index of the stage; all but the first begin with merging.
        dim: Width of its tokens.
        num_heads: Attention heads of its blocks.
        window_size: Largest window along each axis, in tokens.
        drop_path: Rate of stochastic depth of each block; as many blocks as rates.
        make_mlp: Makes a block's feed-forward network or mixture of experts.
        qkv_bias: Whether queries and values have a bias.
        attn_drop: Dropout rate of attention weights.
        proj_drop: Dropout rate of projections.
        pretrained_window_size: Window along all axes that the position bias was trained with, if another one.
        merging_norm: Whether a LayerNorm ends the merging.
    """

    def __init__(
        self,
        index: int,
        dim: int,
        num_heads: int,
        window_size: Sequence[int],
        drop_path: Sequence[float],
        make_mlp: Callable[[], nn.Module],
        *,
        qkv_bias: bool = True,
        attn_drop: float = 0.0,
        proj_drop: float = 0.0,
        pretrained_window_size: int | None = None,
        merging_norm: bool = True,
    ) -> None:
        super().__init__()
        spatial_dims = len(window_size)
        self.index = index
        self.downsample = PatchMerging(spatial_dims, dim // 2, merging_norm) if index else nn.Identity()
        self.blocks = nn.ModuleList()
        for number, rate in enumerate(drop_path):
            attention = WindowAttention(
                dim,
                num_heads,
                spatial_dims=spatial_dims,
                qkv_bias=qkv_bias,
                attn_drop=attn_drop,
                proj_drop=proj_drop,
                pretrained_window_size=(pretrained_window_size,) * spatial_dims if pretrained_window_size else None,
            )
            shifted = number % 2 == 1
            self.blocks.append(
                SwinTransformerV2Block(
                    dim, attention, make_mlp(), window_size=window_size, shifted=shifted, drop_path=rate
                )
            )

    def forward(
        self, x: Tensor, streams: Sequence[Sequence[str]], guidance: Tensor | None = None
    ) -> tuple[Tensor, list[Routing]]:
        """Apply the blocks to tokens that are merged already.

        Args:
            x: Tokens of all streams, one stream after another along the batch, ``(T * B, *S, C)``.
            streams: The tasks that each of the T streams serves.
            guidance: Expert weights that replace the gates of a sample, ``(B, E)``.

        Returns:
            Tokens, ``(T * B, *S, C)``, and what the gates said.
        """
        routing: list[Routing] = []
        for number, block in enumerate(self.blocks):
            x, means = block(x, streams, guidance)
            routing += [Routing(self.index, number, task, *gate) for task, gate in means.items()]
        return x, routing
