"""Whose naming a state dict follows, told by its names alone.

Read from the public code of timm, of Microsoft's Swin-Transformer and of MONAI.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MIT = "MIT"


@dataclass(frozen=True)
class Layout:
    """Naming of a family of published weights.

    Attributes:
        name: Family, in words for messages.
        licence: Licence that the family is published under; None where its files come under several.
        prefix: Prefix of the encoder's names.
        merging_at_end: Whether a stage ends with its merging instead of beginning with it.
        is_swin_v2: Whether it computes what :class:`SwinTransformerV2` without experts computes.
        remedy: What takes such weights, for whoever offers them to that network.
    """

    name: str
    licence: str | None = None
    prefix: str = ""
    merging_at_end: bool = False
    is_swin_v2: bool = False
    remedy: str = ""


MICROSOFT = Layout("Microsoft's Swin V2", MIT, merging_at_end=True, is_swin_v2=True)
MICROSOFT_SIMMIM = Layout("Microsoft's SimMIM of Swin V2", MIT, "encoder.", merging_at_end=True, is_swin_v2=True)
TIMM = Layout("timm's Swin V2", MIT, is_swin_v2=True)
OWN = Layout("a network of admoe_monai", prefix="encoder.", is_swin_v2=True)
SWIN_V2_CR = Layout(
    "timm's swinv2_cr, another function than Swin V2 (positions by ln(1 + x), no sigmoid)",
    remedy="take one of timm's swinv2_* or of Microsoft's files",
)
SWIN_UNETR = Layout(
    "the encoder of MONAI's SwinUNETR (a Swin V1)",
    remedy="the overlay encoder_swin_v1 puts MONAI's own encoder behind these heads, and takes them",
)
SWIN_V1 = Layout(
    "a Swin V1",
    remedy="take weights of a Swin V2, or put the network that they are of into the setting `network` (docs/overlays.md)",
)
OTHER = Layout("no family that is known here")

_COSINE = re.compile(r"^(encoder\.)?layers\.\d+\.blocks\.\d+\.attn\.logit_scale$")
_SWIN_UNETR = re.compile(r"^(module\.)?(encoder\.)?swinViT\.|^(encoder\.)?layers1\.0\.blocks\.0\.attn\.")


def layout_of(names: Iterable[str]) -> Layout:
    """Tell whose naming a state dict follows.

    Args:
        names: Its names, without the prefix of a wrapper.

    Returns:
        Layout; that of no known family for any other backbone, such as a CNN.
    """
    found = set(names)
    if any(".attn.meta_mlp." in name for name in found):
        return SWIN_V2_CR
    if cosine := next((match for name in found if (match := _COSINE.match(name))), None):
        prefix = cosine.group(1) or ""
        at_end = any(name.startswith(f"{prefix}layers.0.downsample.") for name in found)
        if prefix:
            return MICROSOFT_SIMMIM if at_end else OWN
        return MICROSOFT if at_end else TIMM
    if any(_SWIN_UNETR.match(name) for name in found):
        return SWIN_UNETR
    return SWIN_V1 if any(name.endswith(".relative_position_bias_table") for name in found) else OTHER
