"""The arithmetic of gates over experts: what is recorded of them and how a sparse choice is made.

Axis letters: B batch, L tokens, E experts.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Routing(NamedTuple):
    """What one task's gate said in one block, before any guidance or sparse choice.

    Attributes:
        stage: Index of the stage.
        block: Index of the block in its stage.
        task: The task whose gate this is.
        weights: Gate probabilities averaged over tokens, ``(B, E)``.
        log_weights: Logarithms of the gate probabilities averaged over tokens, ``(B, E)``.
    """

    stage: int
    block: int
    task: str
    weights: Tensor
    log_weights: Tensor


def select_experts(weights: Tensor, top_k: int, always_on: int) -> Tensor:
    """Keep one expert and the best of the others, token by token, with weights that sum to one again.

    Args:
        weights: Gate probabilities, ``(..., E)``.
        top_k: How many experts to keep beside the one that is always on.
        always_on: Index of the expert that every token goes through.

    Returns:
        Weights ``(..., E)``, zero for experts not chosen.
    """
    others = weights.detach().clone()
    others[..., always_on] = -1.0
    # Of the weights' type rather than boolean: TorchScript's tracer finds no scatter of a truth value.
    chosen = torch.zeros_like(others).scatter(-1, others.topk(top_k, dim=-1).indices, 1.0)
    chosen[..., always_on] = 1.0
    kept = weights * chosen
    return kept / kept.sum(dim=-1, keepdim=True)
