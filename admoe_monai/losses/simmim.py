"""Loss of a reconstruction pass as MONAI's trainer calls it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .gates import GateGuidanceLoss, ImportanceLoss
from .masked_l1 import MaskedL1Loss


class SimMIMLoss(nn.Module):
    """Masked L1, and with weights of their own the guidance of the gates and the balance of the experts.

    Args:
        patch_size: Voxels along each axis of the patches that a mask refers to.
        norm_window: Odd window in voxels that the target is normalised over; None leaves it as it is.
        guidance_weight: Weight of the divergence from guided expert weights to the gates.
        balance_weight: Weight of the importance loss.
    """

    def __init__(
        self,
        patch_size: int,
        norm_window: int | None = None,
        guidance_weight: float = 0.0,
        balance_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.reconstruction = MaskedL1Loss(patch_size, norm_window)
        self.guidance = GateGuidanceLoss()
        self.balance = ImportanceLoss()
        self.weights = {"reconstruction": 1.0, "guidance": guidance_weight, "balance": balance_weight}

    def components(self, prediction: Mapping[str, Any], target: Mapping[str, Any]) -> dict[str, Tensor]:
        """Compute every part that has a weight and, of gates, something to see; the loss is their weighted sum.

        Args:
            prediction: Outputs ``reconstruction`` and ``routing`` as the network returns them.
            target: Tensors ``image``, ``mask``, and where known ``foreground`` and ``guidance``.

        Returns:
            Scalars by the name of the part.
        """
        parts = {
            "reconstruction": self.reconstruction(
                prediction["reconstruction"], target["image"], target["mask"], target.get("foreground")
            )
        }
        guidance = target.get("guidance")
        if self.weights["guidance"] and guidance is not None:
            parts["guidance"] = self.guidance(prediction["routing"], guidance)
        if self.weights["balance"] and prediction["routing"]:
            parts["balance"] = self.balance(prediction["routing"])
        return parts

    def forward(self, prediction: Mapping[str, Any], target: Mapping[str, Any]) -> Tensor:
        """Compute the weighted sum of :meth:`components`, with the same arguments."""
        parts = self.components(prediction, target)
        return torch.stack([self.weights[name] * part for name, part in parts.items()]).sum()
