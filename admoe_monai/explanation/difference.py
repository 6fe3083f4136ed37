"""What is explained: the logit of one class less that of another, as a network of one output.

Axis letters: B batch, C channels, *S spatial axes.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class LogitDifference(nn.Module):
    """Network whose single output is the difference of two logits of one task.

    MONAI's saliency wants a network that returns one tensor; ours returns a dictionary of tasks. The parameters are the
    network's own and get no gradient any more, which spares a third of the backward pass.

    Args:
        network: Network called as ``network(image, tasks=(task,), ...)``, which returns logits (B, K) by task.
        task: Task of the two classes.
        towards: Index of the class whose logit counts.
        against: Index of the class whose logit is taken away.
    """

    def __init__(self, network: nn.Module, task: str, towards: int, against: int) -> None:
        super().__init__()
        self.network = network.requires_grad_(False).eval()
        self.task, self.towards, self.against = task, towards, against

    def forward(self, image: Tensor, **named: Any) -> Tensor:
        """Compute the difference.

        Args:
            image: Images, (B, C, *S).
            named: Further arguments of the network, such as the prior (B, P).

        Returns:
            Differences in logits, (B, 1): positive where the network leans towards the class.
        """
        logits: Tensor = self.network(image, **{**named, "tasks": (self.task,)})[self.task]
        return (logits[:, self.towards] - logits[:, self.against])[:, None]
