"""Weights of timm's Swin Transformer V2 models for :class:`SwinTransformerV2`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

# Tables that follow from the sizes, saved by older versions, and the classification head.
_DROPPED = re.compile(
    r"head\..*|layers\.\d+\.blocks\.\d+\.(attn_mask|attn\.(k_bias|relative_coords_table|relative_position_index))"
)
_KEPT = re.compile(
    r"patch_embed\.(proj|norm)\.(weight|bias)"
    r"|norm\.(weight|bias)"
    r"|layers\.\d+\.downsample\.(reduction\.weight|norm\.(weight|bias))"
    r"|layers\.\d+\.blocks\.\d+\.(norm[12]|mlp\.fc[12])\.(weight|bias)"
    r"|layers\.\d+\.blocks\.\d+\.attn\.(logit_scale|q_bias|v_bias|qkv\.weight|proj\.(weight|bias))"
    r"|layers\.\d+\.blocks\.\d+\.attn\.cpb_mlp\.(0\.weight|0\.bias|2\.weight)"
)


def swin_v2_from_timm(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Translate the state dict of a timm ``swinv2_*`` model for a 2D :class:`SwinTransformerV2` of the same sizes.

    The names are the same, so that translating means leaving out the classification head and derived tables.

    Args:
        state_dict: State dict of a timm model, merging at the start of a stage (timm 0.9 and later).

    Returns:
        The same tensors under the encoder's names, to be loaded strictly.

    Raises:
        ValueError: If an entry is not one of such a model.
    """
    translated = {name: value for name, value in state_dict.items() if not _DROPPED.fullmatch(name)}
    foreign = sorted(name for name in translated if not _KEPT.fullmatch(name))
    if foreign:
        raise ValueError(f"Not a timm swinv2 state dict: {len(foreign)} unknown entries, the first is '{foreign[0]}'.")
    if "layers.0.downsample.reduction.weight" in translated:
        raise ValueError(
            "Merging at the end of a stage ('layers.0.downsample.reduction.weight'): load it in timm first."
        )
    return translated
