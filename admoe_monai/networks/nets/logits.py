"""The classification of a network as one tensor, for tools that expect exactly that."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class SideBySideLogits(nn.Module):
    """Logits of several tasks side by side.

    MONAI's ``verify_net_in_out``, saliency maps, TorchScript tracing and ONNX need a network that returns a single
    tensor. A trace holds for the input size that it was made with.

    Args:
        network: A network called with ``tasks`` and ``prior`` that returns logits ``(B, K)`` by the name of the task.
        tasks: The tasks, in the order of their columns.
    """

    def __init__(self, network: nn.Module, tasks: Sequence[str] = ("diagnosis", "change")) -> None:
        super().__init__()
        self.network = network
        self.tasks = tuple(tasks)

    def forward(self, image: Tensor, prior: Tensor | None = None) -> Tensor:
        """Classify.

        Args:
            image: Image, ``(B, C, *S)``.
            prior: Clinical prior, ``(B, P)``, NaN where unknown; None for a network without one or if all is unknown.

        Returns:
            Logits, ``(B, K1 + K2 + …)``.
        """
        outputs = self.network(image, tasks=self.tasks, prior=prior)
        return torch.cat([outputs[task] for task in self.tasks], dim=1)
