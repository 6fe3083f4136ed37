"""A mixture of experts in place of a feed-forward network, with one gate per task.

Axis letters: B batch, *S spatial axes, C channels, E experts, T streams of tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from timm.layers import Mlp
from torch import Tensor, nn
from torch.nn import functional as F

from ..layers.gating import select_experts

SHARED_EXPERT = "shared"


class GateMeans(NamedTuple):
    """Token means of one gate, before guidance: probabilities and log-probabilities, each ``(B, E)``."""

    weights: Tensor
    log_weights: Tensor


class MMoE(nn.Module):
    """Multi-gate mixture of experts (Ma et al., KDD 2018), token by token.

    ``sum_e softmax(gate_task(x) / temperature)_e * expert_e(x)``. A stream of tokens that serves several tasks is
    weighted by the mean of their gates. Deviations: guidance can stand in for the gates of chosen samples, and with
    ``top_k`` only the chosen experts are computed. An expert is never applied to a token that gives it no weight.

    Args:
        dim: Width of a token.
        hidden_dim: Hidden width of an expert.
        experts: Names of the experts.
        tasks: Names of the tasks, each with a gate of its own.
        temperature: Divides the logits of the gates; above 1 the weights come closer to uniform.
        top_k: Experts kept per token beside the shared one; None keeps all.
        drop: Dropout rate inside the experts.

    Raises:
        ValueError: If a setting makes no mixture.
    """

    def __init__(
        self,
        dim: int,
        hidden_dim: int,
        *,
        experts: Sequence[str],
        tasks: Sequence[str],
        temperature: float = 1.0,
        top_k: int | None = None,
        drop: float = 0.0,
    ) -> None:
        super().__init__()
        if not experts or len(set(experts)) != len(experts):
            raise ValueError(f"Experts must have distinct names, got {tuple(experts)}.")
        if not tasks or len(set(tasks)) != len(tasks):
            raise ValueError(f"Tasks must have distinct names, got {tuple(tasks)}.")
        if not temperature > 0:
            raise ValueError(f"The temperature of a gate must be positive, got {temperature}.")
        if top_k is not None and not (SHARED_EXPERT in experts and 1 <= top_k < len(experts)):
            raise ValueError(
                f"top_k needs the expert '{SHARED_EXPERT}' and 1 to {len(experts) - 1} others, "
                f"got top_k={top_k} with {tuple(experts)}."
            )
        self.temperature = temperature
        self.top_k = top_k
        self.experts = nn.ModuleDict({name: Mlp(dim, hidden_dim, drop=drop) for name in experts})
        self.gates = nn.ModuleDict({task: nn.Linear(dim, len(experts)) for task in tasks})

    def forward(
        self, x: Tensor, streams: Sequence[Sequence[str]], guidance: Tensor | None = None
    ) -> tuple[Tensor, dict[str, GateMeans]]:
        """Mix the experts.

        Args:
            x: Tokens of all streams, one stream after another along the batch, ``(T * B, *S, C)``.
            streams: The tasks that each of the T streams serves.
            guidance: Expert weights that replace the gates of a sample, ``(B, E)``; rows of NaN leave them in place.

        Returns:
            Mixed tokens, ``(T * B, *S, C)``, and per task the means of its gate.
        """
        means: dict[str, GateMeans] = {}
        mixed = []
        for stream, tasks in zip(x.unflatten(0, (len(streams), -1)).unbind(0), streams, strict=True):
            log_weights = [F.log_softmax(self.gates[task](stream) / self.temperature, dim=-1) for task in tasks]
            weights = [log.exp() for log in log_weights]
            for task, log, weight in zip(tasks, log_weights, weights, strict=True):
                means[task] = GateMeans(weight.flatten(1, -2).mean(1), log.flatten(1, -2).mean(1))
            mixed.append(torch.stack(weights).mean(0) if len(weights) > 1 else weights[0])
        weights_of_all = torch.cat(mixed) if len(mixed) > 1 else mixed[0]

        if self.top_k is not None:
            weights_of_all = select_experts(weights_of_all, self.top_k, list(self.experts).index(SHARED_EXPERT))
        if guidance is not None:
            weights_of_all = _guide(weights_of_all, guidance.repeat(len(streams), 1))
        # A traced program can't choose tokens by their values: it computes all experts, some of them times zero.
        traced = torch.jit.is_tracing() or torch.compiler.is_compiling()
        if traced or (self.top_k is None and guidance is None):
            return self._mix_all(x, weights_of_all), means
        return self._mix_chosen(x, weights_of_all), means

    def _mix_all(self, x: Tensor, weights: Tensor) -> Tensor:
        outputs = [
            weight[..., None] * expert(x) for weight, expert in zip(weights.unbind(-1), self._experts, strict=True)
        ]
        return torch.stack(outputs).sum(0) if len(outputs) > 1 else outputs[0]

    def _mix_chosen(self, x: Tensor, weights: Tensor) -> Tensor:
        tokens = x.flatten(0, -2)
        mixed = torch.zeros_like(tokens)
        for weight, expert in zip(weights.flatten(0, -2).unbind(-1), self._experts, strict=True):
            # "not zero" rather than "positive": a NaN must come out at the end instead of a silent zero.
            chosen = torch.nonzero(weight != 0)[:, 0]
            if len(chosen):
                output = weight[chosen, None] * expert(tokens[chosen])
                mixed = mixed.index_add(0, chosen, output.to(mixed.dtype))
        return mixed.reshape(x.shape)

    @property
    def _experts(self) -> list[nn.Module]:
        return list(self.experts.values())


def _guide(weights: Tensor, guidance: Tensor) -> Tensor:
    """Replace the weights ``(B, *S, E)`` of every sample whose row of guidance ``(B, E)`` is not NaN."""
    if guidance.shape != (weights.shape[0], weights.shape[-1]):
        raise ValueError(f"Guidance of shape {tuple(guidance.shape)} doesn't fit gate weights {tuple(weights.shape)}.")
    rows = guidance.to(weights).reshape(len(guidance), *[1] * (weights.ndim - 2), -1)
    return torch.where(rows.isnan(), weights, rows)
