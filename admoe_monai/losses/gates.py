"""Losses on the gates of a mixture of experts. Axis letters: B batch, E experts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn


class GateRecord(Protocol):
    """Output of a gate, averaged over tokens: ``weights`` and ``log_weights``, each ``(B, E)``."""

    @property
    def weights(self) -> Tensor:
        """Return the probabilities ``(B, E)``."""

    @property
    def log_weights(self) -> Tensor:
        """Return the log-probabilities ``(B, E)``."""


class GateGuidanceLoss(nn.Module):
    """Kullback-Leibler divergence from guided expert weights to what the gates say.

    Per token ``sum_e t_e (log t_e - log g_e)``, averaged over tokens, guided samples and blocks. The target is the same
    for all tokens of a sample, so that the token mean of the log-probabilities makes it exact.
    """

    def forward(self, routing: Sequence[GateRecord], guidance: Tensor) -> Tensor:
        """Compare the gates with the guidance.

        Args:
            routing: One record per block and task.
            guidance: Expert weights ``(B, E)``; a row of NaN says that its sample isn't guided.

        Returns:
            A scalar; zero if nothing is guided.
        """
        guided = ~guidance.isnan().any(dim=-1)
        if not routing or not bool(guided.any()):
            return _zero(routing, guidance)
        target = guidance[guided].to(routing[0].log_weights)
        entropy = torch.xlogy(target, target)
        divergences = [(entropy - target * record.log_weights[guided]).sum(-1).mean() for record in routing]
        return torch.stack(divergences).mean()


class ImportanceLoss(nn.Module):
    """Squared coefficient of variation of the experts' summed weights (Shazeer et al. 2017, arXiv:1701.06538).

    Deviation: the importance of an expert is summed over the token means of the batch's samples, averaged over blocks.
    """

    def forward(self, routing: Sequence[GateRecord]) -> Tensor:
        """Measure how unevenly the gates load the experts.

        Args:
            routing: One record per block and task.

        Returns:
            A scalar; zero if every expert carries the same.

        Raises:
            ValueError: If there is no record.
        """
        if not routing:
            raise ValueError("No gate has been recorded: a network without experts has no balance to keep.")
        importances = torch.stack([record.weights.sum(dim=0) for record in routing])
        variation = importances.var(dim=-1, correction=0) / importances.mean(dim=-1).square()
        return variation.mean()


def _zero(routing: Sequence[GateRecord], like: Tensor) -> Tensor:
    """Build a zero that keeps the gates in the graph, so that a batch without guidance has a gradient as any other."""
    if not routing:
        return like.new_zeros(())
    return torch.stack([record.weights.sum() for record in routing]).sum() * 0.0
