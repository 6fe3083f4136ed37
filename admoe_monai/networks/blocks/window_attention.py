"""Cosine attention inside windows.

Axis letters: B batch, W windows, N tokens of a window, C channels, H heads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..layers.position_bias import relative_positions

LARGEST_LOGIT_SCALE = math.log(100.0)
POSITION_BIAS_WIDTH = 512
LARGEST_POSITION_BIAS = 16.0


class WindowAttention(nn.Module):
    """Multi-head cosine attention with a continuous position bias (Swin Transformer V2, arXiv:2111.09883).

    The window size is not built in: the bias is computed for the window that comes. Parameters are named as in timm.
    The attention matrix is formed explicitly: which fused kernel PyTorch picks varies with device and input, while an
    interrupted run must continue bit by bit. On a CPU they would save about a tenth of a step.

    Args:
        dim: Width of a token, a multiple of the number of heads.
        num_heads: Number of attention heads.
        spatial_dims: Number of axes of a window.
        qkv_bias: Whether queries and values have a bias; keys never have one.
        attn_drop: Dropout rate of the attention weights.
        proj_drop: Dropout rate of the output.
        pretrained_window_size: Window along each axis that the position bias was trained with, if another one.

    Raises:
        ValueError: If the width is not a multiple of the number of heads.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        spatial_dims: int,
        qkv_bias: bool = True,
        attn_drop: float = 0.0,
        proj_drop: float = 0.0,
        pretrained_window_size: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"num_heads: a width of {dim} can't be shared out among {num_heads} heads.")
        self.num_heads = num_heads
        self.pretrained_window_size = None if pretrained_window_size is None else tuple(pretrained_window_size)
        self.logit_scale = nn.Parameter(torch.full((num_heads, 1, 1), math.log(10.0)))
        self.cpb_mlp = nn.Sequential(
            nn.Linear(spatial_dims, POSITION_BIAS_WIDTH),
            nn.ReLU(inplace=True),
            nn.Linear(POSITION_BIAS_WIDTH, num_heads, bias=False),
        )
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(dim)) if qkv_bias else None
        self.v_bias = nn.Parameter(torch.zeros(dim)) if qkv_bias else None
        self.attn_drop = nn.Dropout(attn_drop)
        self.proj = nn.Linear(dim, dim)
        self.proj_drop = nn.Dropout(proj_drop)

    def forward(self, x: Tensor, window: tuple[int, ...], mask: Tensor | None = None) -> Tensor:
        """Let the tokens of each window attend to each other.

        Args:
            x: Windows, ``(B, W, N, C)``.
            window: Tokens of a window along each axis, N in all.
            mask: Pairs that must not attend to each other, boolean ``(W, N, N)``, True = masked.

        Returns:
            Windows, ``(B, W, N, C)``.
        """
        q, k, v = self._project(x)
        scale = self.logit_scale.clamp(max=LARGEST_LOGIT_SCALE).exp()
        scores = (F.normalize(q, dim=-1) * scale) @ F.normalize(k, dim=-1).transpose(-2, -1)
        bias = self.position_bias(window)
        if mask is not None:
            bias = bias.masked_fill(mask[:, None], -math.inf)
        weights = self.attn_drop((scores + bias).softmax(dim=-1))
        out: Tensor = self.proj_drop(self.proj((weights @ v).transpose(-3, -2).flatten(-2)))
        return out

    def position_bias(self, window: tuple[int, ...]) -> Tensor:
        """Compute the bias of every head for every pair of tokens of a window.

        Args:
            window: Tokens of the window along each axis, N in all.

        Returns:
            Bias, ``(H, N, N)``.
        """
        coordinates, index = relative_positions(window, self.pretrained_window_size, self.qkv.weight.device)
        table = self.cpb_mlp(coordinates.to(self.qkv.weight.dtype))
        tokens = math.prod(window)
        # embedding rather than indexing: its backward is deterministic on CUDA and does not accumulate element-wise.
        pairs = F.embedding(index, LARGEST_POSITION_BIAS * table.sigmoid())
        return pairs.reshape(tokens, tokens, self.num_heads).permute(2, 0, 1)

    def _project(self, x: Tensor) -> tuple[Tensor, ...]:
        bias = None
        if self.q_bias is not None and self.v_bias is not None:
            bias = torch.cat((self.q_bias, torch.zeros_like(self.q_bias), self.v_bias))
        qkv = F.linear(x, self.qkv.weight, bias).unflatten(-1, (3, self.num_heads, -1))
        return qkv.permute(3, 0, 1, 4, 2, 5).unbind(0)
