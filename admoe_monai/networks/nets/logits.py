"""The classification of a network as one tensor, for tools that expect exactly that."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .alzheimer_mmoe import AlzheimerMMoE


class AlzheimerLogits(AlzheimerMMoE):
    """The logits of all classification tasks side by side, under the parameter names of :class:`AlzheimerMMoE`.

    MONAI's ``verify_net_in_out``, saliency maps, TorchScript tracing and ONNX need a network that returns a single
    tensor. Whoever has its weights has those of the other network too. A trace holds for the input size that it was
    made with.

    Args:
        args: See :class:`AlzheimerMMoE`.
        kwargs: Likewise; there is no decoder.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "decoder": None})

    def forward(self, image: Tensor, prior: Tensor | None = None) -> Tensor:  # type: ignore[override]
        """Classify.

        Args:
            image: Image, ``(B, C, *S)``.
            prior: Clinical prior, ``(B, P)``, NaN where unknown; None for a network without one or if all is unknown.

        Returns:
            Logits of all tasks in the order of ``classes``, ``(B, K1 + K2 + ...)``.
        """
        outputs = super().forward(image, prior=prior)
        return torch.cat([outputs[task] for task in self.num_classes], dim=1)
