"""Cross-entropy of several tasks, of which an item may lack any label. Axis letters: B batch, K classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

UNKNOWN = -1


class MultiTaskLoss(nn.Module):
    """Weighted sum of one cross-entropy per task; items without a label of a task contribute nothing to it.

    Args:
        weights: Weight of each task.
        label_smoothing: Share of the target spread over all classes, 0 to 1.
        class_weights: Weight of each class, per task; tasks left out are unweighted.

    Raises:
        ValueError: If a weight is negative or class weights name an unknown task.
    """

    def __init__(
        self,
        weights: Mapping[str, float],
        label_smoothing: float = 0.0,
        class_weights: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        super().__init__()
        class_weights = class_weights or {}
        if not weights or min(weights.values()) < 0:
            raise ValueError(f"Tasks need weights of zero or more, got {dict(weights)}.")
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing must lie in 0 to 1, got {label_smoothing}.")
        if not set(class_weights) <= set(weights):
            raise ValueError(f"class_weights names {sorted(class_weights)}, but the tasks are {sorted(weights)}.")
        self.weights = dict(weights)
        self.label_smoothing = label_smoothing
        for task in self.weights:
            values = class_weights.get(task)
            self.register_buffer(
                f"class_weights_{task}", None if values is None else torch.tensor(values, dtype=torch.float32), False
            )

    def components(self, logits: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Compute the cross-entropy of each task, unweighted by task.

        Args:
            logits: Logits ``(B, K)`` per task.
            labels: Labels per task, int64 ``(B,)``, -1 where unknown.

        Returns:
            Scalars per task; zero where no item has a label.
        """
        return {task: self._cross_entropy(task, logits[task], labels[task]) for task in self.weights}

    def forward(self, logits: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> Tensor:
        """Compute the weighted sum over the tasks; arguments as in :meth:`components`."""
        parts = self.components(logits, labels)
        return torch.stack([weight * parts[task] for task, weight in self.weights.items()]).sum()

    def _cross_entropy(self, task: str, logits: Tensor, labels: Tensor) -> Tensor:
        if not bool((labels != UNKNOWN).any()):
            # Zero, yet part of the graph: a backward pass finds a gradient of zero instead of none.
            return logits.sum() * 0.0
        class_weights: Tensor | None = getattr(self, f"class_weights_{task}")
        if class_weights is not None:
            class_weights = class_weights.to(logits)
        return F.cross_entropy(
            logits, labels, class_weights, ignore_index=UNKNOWN, label_smoothing=self.label_smoothing
        )
