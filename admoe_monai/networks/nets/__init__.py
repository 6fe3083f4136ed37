"""Networks to build from a config."""

from ..blocks.plain_cnn import PlainCNN
from .alzheimer_mmoe import AlzheimerMMoE
from .controls import NoImage, VoxelCubes
from .decoder_removal import remove_decoder, without_decoder
from .encoder import Encoder, Fusion
from .feature_map_encoder import FeatureMapEncoder
from .logits import AlzheimerLogits
from .swin_transformer_v2 import SwinTransformerV2

__all__ = [
    "AlzheimerLogits",
    "AlzheimerMMoE",
    "Encoder",
    "FeatureMapEncoder",
    "Fusion",
    "NoImage",
    "PlainCNN",
    "SwinTransformerV2",
    "VoxelCubes",
    "remove_decoder",
    "without_decoder",
]
