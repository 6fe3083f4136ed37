"""Losses that MONAI and PyTorch lack: masked L1, several tasks with missing labels, gates of experts."""

from .classification import ClassificationLoss
from .gates import GateGuidanceLoss, ImportanceLoss
from .masked_l1 import MaskedL1Loss
from .multi_task import MultiTaskLoss
from .simmim import SimMIMLoss

__all__ = [
    "ClassificationLoss",
    "GateGuidanceLoss",
    "ImportanceLoss",
    "MaskedL1Loss",
    "MultiTaskLoss",
    "SimMIMLoss",
]
