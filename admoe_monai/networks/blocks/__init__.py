"""Blocks with parameters: embedding, attention, experts, merging, clinical prior, decoder."""

from .clinical_encoder import ClinicalEncoder
from .clinical_fusion import (
    CLINICAL_FUSIONS,
    AdaptiveFusion,
    AddFusion,
    ConcatFusion,
    HadamardFusion,
    make_clinical_fusion,
)
from .mmoe import MMoE
from .patch_embedding import STEMS, CNNStem, PatchEmbed, make_stem
from .patch_merging import PatchMerging
from .pixel_shuffle_decoder import PixelShuffleDecoder
from .plain_cnn import PlainCNN
from .pooling import AveragePooling
from .stage import SwinTransformerV2Stage
from .swin_block import SwinTransformerV2Block
from .window_attention import WindowAttention

__all__ = [
    "CLINICAL_FUSIONS",
    "STEMS",
    "AdaptiveFusion",
    "AddFusion",
    "AveragePooling",
    "CNNStem",
    "ClinicalEncoder",
    "ConcatFusion",
    "HadamardFusion",
    "MMoE",
    "PatchEmbed",
    "PatchMerging",
    "PixelShuffleDecoder",
    "PlainCNN",
    "SwinTransformerV2Block",
    "SwinTransformerV2Stage",
    "WindowAttention",
    "make_clinical_fusion",
    "make_stem",
]
