"""Blocks with parameters: embedding, attention, experts, merging, clinical prior."""

from .clinical_encoder import ClinicalEncoder
from .clinical_fusion import CLINICAL_FUSIONS, AdaptiveFusion, AddFusion, ConcatFusion, HadamardFusion
from .mmoe import MMoE
from .patch_embedding import PatchEmbed
from .patch_merging import PatchMerging
from .stage import SwinTransformerV2Stage
from .swin_block import SwinTransformerV2Block
from .window_attention import WindowAttention

__all__ = [
    "CLINICAL_FUSIONS",
    "AdaptiveFusion",
    "AddFusion",
    "ClinicalEncoder",
    "ConcatFusion",
    "HadamardFusion",
    "MMoE",
    "PatchEmbed",
    "PatchMerging",
    "SwinTransformerV2Block",
    "SwinTransformerV2Stage",
    "WindowAttention",
]
