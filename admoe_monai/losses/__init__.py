"""Losses that MONAI and PyTorch lack: masked L1, several tasks with missing labels, gates of experts, views of an image."""

from .classification import ClassificationLoss
from .gates import GateGuidanceLoss, ImportanceLoss
from .masked_l1 import MaskedL1Loss
from .multi_task import MultiTaskLoss
from .simmim import SimMIMLoss
from .simmim_contrast import SimMIMContrastLoss

__all__ = [
    "ClassificationLoss",
    "GateGuidanceLoss",
    "ImportanceLoss",
    "MaskedL1Loss",
    "MultiTaskLoss",
    "SimMIMContrastLoss",
    "SimMIMLoss",
]
