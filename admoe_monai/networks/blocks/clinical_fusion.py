"""Four ways for a clinical prior to meet the tokens of an image.

Each begins as near to leaving the image tokens alone as its form allows: the weights that pretraining has given the
stages after the fusion then still see what they were trained on, and how much of the prior to let in is learned.

Axis letters: B batch, *S spatial axes, C channels.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from timm.layers import trunc_normal_
from torch import Tensor, nn


class AdaptiveFusion(nn.Module):
    """Two softmax weights, read from the token average and the prior, for image and prior; then a projection.

    Args:
        dim: Width C of the tokens and of the encoded prior.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        hidden, weights = nn.Linear(2 * dim, dim), nn.Linear(dim, 2)
        self.weigh = nn.Sequential(hidden, nn.ReLU(), weights)
        self.proj = nn.Linear(dim, dim)
        trunc_normal_(hidden.weight, std=0.02)
        trunc_normal_(weights.weight, std=0.02)
        nn.init.zeros_(hidden.bias)
        with torch.no_grad():
            # Softmax of (2, -2) gives the image 98 %: near the identity, yet no softmax so flat that nothing learns.
            weights.bias.copy_(torch.tensor([2.0, -2.0]))
        nn.init.eye_(self.proj.weight)
        nn.init.zeros_(self.proj.bias)

    def forward(self, x: Tensor, prior: Tensor) -> Tensor:
        """Fuse tokens ``(B, *S, C)`` with the prior ``(B, C)``."""
        average = x.flatten(1, -2).mean(dim=1)
        weights = self.weigh(torch.cat((average, prior), dim=-1)).softmax(dim=-1)
        image, clinical = (_beside(weight, x) for weight in weights.split(1, dim=-1))
        fused: Tensor = self.proj(image * x + clinical * _beside(prior, x))
        return fused


class ConcatFusion(nn.Module):
    """Concatenation, projection, LayerNorm and ReLU.

    Args:
        dim: Width C of the tokens and of the encoded prior.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Linear(2 * dim, dim)
        self.norm = nn.LayerNorm(dim)
        self.act = nn.ReLU()
        # LayerNorm and ReLU rule out an identity; the projection at least hands the image through.
        trunc_normal_(self.proj.weight, std=0.02)
        with torch.no_grad():
            self.proj.weight[:, :dim] += torch.eye(dim)
        nn.init.zeros_(self.proj.bias)

    def forward(self, x: Tensor, prior: Tensor) -> Tensor:
        """Fuse tokens ``(B, *S, C)`` with the prior ``(B, C)``."""
        both = torch.cat((x, _beside(prior, x).expand_as(x)), dim=-1)
        fused: Tensor = self.act(self.norm(self.proj(both)))
        return fused


class AddFusion(nn.Module):
    """Sum with two learned scales.

    Args:
        dim: Width C of the tokens and of the encoded prior; the scales don't depend on it.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.image_scale = nn.Parameter(torch.tensor(1.0))
        # The encoded prior leaves a LayerNorm with unit variance: a tenth of it doesn't drown the tokens.
        self.prior_scale = nn.Parameter(torch.tensor(0.1))

    def forward(self, x: Tensor, prior: Tensor) -> Tensor:
        """Fuse tokens ``(B, *S, C)`` with the prior ``(B, C)``."""
        return self.image_scale * x + self.prior_scale * _beside(prior, x)


class HadamardFusion(nn.Module):
    """Element-wise product, projected and added to the tokens.

    Args:
        dim: Width C of the tokens and of the encoded prior.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Linear(dim, dim)
        trunc_normal_(self.proj.weight, std=0.02)
        nn.init.zeros_(self.proj.bias)

    def forward(self, x: Tensor, prior: Tensor) -> Tensor:
        """Fuse tokens ``(B, *S, C)`` with the prior ``(B, C)``."""
        fused: Tensor = x + self.proj(x * _beside(prior, x))
        return fused


#: What the setting ``fusion_type`` can name; each is made with the width of the tokens.
CLINICAL_FUSIONS: dict[str, Callable[[int], nn.Module]] = {
    "adaptive": AdaptiveFusion,
    "concat": ConcatFusion,
    "add": AddFusion,
    "hadamard": HadamardFusion,
}


def make_clinical_fusion(dim: int, name: str) -> nn.Module:
    """Make one of :data:`CLINICAL_FUSIONS`.

    Args:
        dim: Width C of the tokens and of the encoded prior.
        name: Its name there.

    Raises:
        ValueError: If the name is not known.
    """
    if name not in CLINICAL_FUSIONS:
        raise ValueError(f"fusion_type must be one of {', '.join(CLINICAL_FUSIONS)}, got '{name}'.")
    return CLINICAL_FUSIONS[name](dim)


def _beside(vector: Tensor, x: Tensor) -> Tensor:
    """Give ``(B, C)`` the axes that it lacks beside ``(B, *S, C)``."""
    return vector.reshape(vector.shape[0], *[1] * (x.ndim - 2), vector.shape[-1])
