"""Loss of a classification pass as MONAI's trainer calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .gates import ImportanceLoss
from .multi_task import MultiTaskLoss


class ClassificationLoss(nn.Module):
    """Cross-entropy of each task, and with a weight of its own the balance of the experts.

    Args:
        weights: Weight of each task, such as ``{"diagnosis": 1.0, "change": 1.0}``.
        label_smoothing: Share of the target spread over all classes, 0 to 1.
        class_weights: Weight of each class, per task; tasks left out are unweighted.
        balance_weight: Weight of the importance loss.
    """

    def __init__(
        self,
        weights: Mapping[str, float],
        label_smoothing: float = 0.0,
        class_weights: Mapping[str, Sequence[float]] | None = None,
        balance_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.tasks = MultiTaskLoss(weights, label_smoothing, class_weights)
        self.balance = ImportanceLoss()
        self.weights = {**weights, "balance": balance_weight}

    def components(self, prediction: Mapping[str, Any], target: Mapping[str, Any]) -> dict[str, Tensor]:
        """Compute every part; the loss is their sum weighted by :attr:`weights`.

        Args:
            prediction: Logits by task, and ``routing``, as the network returns them.
            target: Labels by task, int64, -1 where unknown.

        Returns:
            Scalars by task, and ``balance`` if it has a weight and the network experts.
        """
        parts = self.tasks.components(prediction, target)
        if self.weights["balance"] and prediction["routing"]:
            parts["balance"] = self.balance(prediction["routing"])
        return parts

    def forward(self, prediction: Mapping[str, Any], target: Mapping[str, Any]) -> Tensor:
        """Compute the weighted sum of :meth:`components`, with the same arguments."""
        parts = self.components(prediction, target)
        return torch.stack([self.weights[name] * part for name, part in parts.items()]).sum()
