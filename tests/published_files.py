"""Key lists of published Swin V2 files, made from their configs alone: names and shapes, on the meta device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Variant:
    """Config of a published model.

    Attributes:
        name: As its file is called.
        width: Of the first stage.
        depths: Blocks of each stage.
        heads: Attention heads of each stage.
        window: Edge of the window in tokens.
    """

    name: str
    width: int
    depths: tuple[int, ...]
    heads: tuple[int, ...]
    window: int


_T = (96, (2, 2, 6, 2), (3, 6, 12, 24))
_S = (96, (2, 2, 18, 2), (3, 6, 12, 24))
_B = (128, (2, 2, 18, 2), (4, 8, 16, 32))
_L = (192, (2, 2, 18, 2), (6, 12, 24, 48))

#: The twelve that were trained with labels.
SUPERVISED = (
    Variant("swinv2_tiny_patch4_window8_256", *_T, 8),
    Variant("swinv2_tiny_patch4_window16_256", *_T, 16),
    Variant("swinv2_small_patch4_window8_256", *_S, 8),
    Variant("swinv2_small_patch4_window16_256", *_S, 16),
    Variant("swinv2_base_patch4_window8_256", *_B, 8),
    Variant("swinv2_base_patch4_window16_256", *_B, 16),
    Variant("swinv2_base_patch4_window12_192_22k", *_B, 12),
    Variant("swinv2_base_patch4_window12to16_192to256_22kto1k_ft", *_B, 16),
    Variant("swinv2_base_patch4_window12to24_192to384_22kto1k_ft", *_B, 24),
    Variant("swinv2_large_patch4_window12_192_22k", *_L, 12),
    Variant("swinv2_large_patch4_window12to16_192to256_22kto1k_ft", *_L, 16),
    Variant("swinv2_large_patch4_window12to24_192to384_22kto1k_ft", *_L, 24),
)
#: Those that SimMIM pretrained.
SIMMIM = (
    Variant("swinv2_small_1k_500k", *_S, 12),
    Variant("swinv2_base_1k_500k", *_B, 12),
    Variant("swinv2_large_22k_500k", *_L, 12),
    Variant("swinv2_huge_22k_500k", 352, (2, 2, 18, 2), (11, 22, 44, 88), 12),
    Variant("swinv2_giant_22k_500k", 448, (2, 2, 42, 2), (14, 28, 56, 112), 12),
)


def state_dict(
    variant: Variant,
    prefix: str = "",
    *,
    merging_at_end: bool = True,
    buffers: bool = True,
    position: str = "cpb_mlp",
    channels: int = 3,
    device: str = "meta",
) -> dict[str, Tensor]:
    """Make the state dict of a variant.

    Args:
        variant: Config.
        prefix: Before every name of the encoder.
        merging_at_end: As in Microsoft's files; else at the start of the next stage, as in timm's.
        buffers: Whether the tables that follow from the window are there.
        position: Name of the layers of the position bias.
        channels: Of the image.
        device: `meta`, or a real one for weights drawn at random.
    """
    shapes = dict(_shapes(variant, merging_at_end, buffers, position, channels))
    return {prefix + name: _tensor(shape, device) for name, shape in shapes.items()}


def _tensor(shape: Sequence[int], device: str) -> Tensor:
    return torch.empty(*shape, device="meta") if device == "meta" else 0.3 * torch.randn(*shape, dtype=torch.float64)


def _shapes(
    variant: Variant, merging_at_end: bool, buffers: bool, position: str, channels: int
) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "patch_embed.proj.weight", (variant.width, channels, 4, 4)
    for name in ("patch_embed.proj.bias", "patch_embed.norm.weight", "patch_embed.norm.bias"):
        yield name, (variant.width,)
    last = len(variant.depths) - 1
    for stage, (depth, heads) in enumerate(zip(variant.depths, variant.heads, strict=True)):
        dim, window = variant.width * 2**stage, variant.window
        for number in range(depth):
            block = f"layers.{stage}.blocks.{number}."
            yield f"{block}attn.logit_scale", (heads, 1, 1)
            yield f"{block}attn.qkv.weight", (3 * dim, dim)
            yield f"{block}attn.q_bias", (dim,)
            yield f"{block}attn.v_bias", (dim,)
            yield f"{block}attn.{position}.0.weight", (512, 2)
            yield f"{block}attn.{position}.0.bias", (512,)
            yield f"{block}attn.{position}.2.weight", (heads, 512)
            yield f"{block}attn.proj.weight", (dim, dim)
            yield f"{block}attn.proj.bias", (dim,)
            for norm in ("norm1", "norm2"):
                yield f"{block}{norm}.weight", (dim,)
                yield f"{block}{norm}.bias", (dim,)
            yield f"{block}mlp.fc1.weight", (4 * dim, dim)
            yield f"{block}mlp.fc1.bias", (4 * dim,)
            yield f"{block}mlp.fc2.weight", (dim, 4 * dim)
            yield f"{block}mlp.fc2.bias", (dim,)
            if buffers:
                yield f"{block}attn.relative_coords_table", (1, 2 * window - 1, 2 * window - 1, 2)
                yield f"{block}attn.relative_position_index", (window**2, window**2)
                if number % 2:
                    yield f"{block}attn_mask", (4, window**2, window**2)
        if stage < last:
            merging = f"layers.{stage if merging_at_end else stage + 1}.downsample."
            yield f"{merging}reduction.weight", (2 * dim, 4 * dim)
            yield f"{merging}norm.weight", (2 * dim,)
            yield f"{merging}norm.bias", (2 * dim,)
    width = variant.width * 2**last
    yield "norm.weight", (width,)
    yield "norm.bias", (width,)
