"""From the tokens of an image to one feature vector. Axis letters: B batch, D width of a token, *G tokens along each axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class AveragePooling(nn.Module):
    """The average over all tokens, wherever they lie; no parameters, any grid.

    Args:
        dim: Width D of a token; as for the other poolings, of no meaning here.
        grid: Tokens along each axis, likewise.
    """

    def __init__(self, dim: int = 0, grid: Sequence[int] | None = None) -> None:
        super().__init__()

    def forward(self, tokens: Tensor) -> Tensor:
        """Pool ``(B, *G, D)`` to ``(B, D)``."""
        return tokens.flatten(1, -2).mean(dim=1)


class SpatiallyWeightedPooling(nn.Module):
    """A sum in which every feature has a weight of its own at every place (Hu et al. 2017, doi 10.1109/TITS.2017.2679114).

    For images that lie in one space, as brains on a template do: a place then means the same in all of them. Before the
    weights come in, a feature at a place loses what all people share there, by batch norm without scale and shift: most of
    a token says where it lies, little in it differs between people. All weights begin at one; the sum is divided by the square
    root of the number of places, as of independent parts.

    A batch of one image is normalised by the running statistics, as in evaluation.

    Args:
        dim: Width D of a token.
        grid: Tokens along each axis; None is refused.
        gain: How far a weight moves per change of its parameter. An optimizer that takes steps of one size, as Adam does,
            would hardly move weights whose deviations from one have to be of the order of ten.

    Raises:
        ValueError: Without a grid.
    """

    def __init__(self, dim: int, grid: Sequence[int] | None, gain: float = 64.0) -> None:
        super().__init__()
        if grid is None:
            raise ValueError(
                "pooling: weights of places need an encoder that says how many tokens it ends with; set pooling to average "
                "(behind the overlay that set it)."
            )
        self.gain = gain
        self.root = math.sqrt(math.prod(grid))
        self.excess = nn.Parameter(torch.zeros(*grid, dim))  # of a weight over one: weight decay leads to equal weights
        self.apart = nn.BatchNorm1d(math.prod(grid) * dim, affine=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Pool ``(B, *G, D)`` to ``(B, D)``.

        Raises:
            ValueError: If the grid is another one.
        """
        if tokens.shape[1:] != self.excess.shape:
            raise ValueError(
                f"pooling: this network weighs a grid of {tuple(self.excess.shape[:-1])} tokens, so its images have "
                f"one size; got a grid of {tuple(tokens.shape[1:-1])}."
            )
        flat = tokens.flatten(1)
        # Whether it trains is asked first: an exported program stays free in the size of its batch.
        if self.training and len(flat) == 1:
            apart = F.batch_norm(flat, self.apart.running_mean, self.apart.running_var, eps=self.apart.eps)
        else:
            apart = self.apart(flat)
        weighted = apart.view_as(tokens) * (1 + self.gain * self.excess)
        pooled: Tensor = weighted.flatten(1, -2).sum(dim=1) / self.root
        return pooled


#: What the setting ``pooling`` can name; each is made with the width and the grid of the tokens.
POOLINGS: dict[str, Callable[[int, Sequence[int] | None], nn.Module]] = {
    "average": AveragePooling,
    "weighted": SpatiallyWeightedPooling,
}


def make_pooling(dim: int, grid: Sequence[int] | None, name: str) -> nn.Module:
    """Make one of :data:`POOLINGS`.

    Args:
        dim: Width D of a token.
        grid: Tokens along each axis after the last stage, or None where the encoder doesn't say.
        name: Its name there.

    Raises:
        ValueError: If the name is not known.
    """
    if name not in POOLINGS:
        raise ValueError(f"pooling must be one of {', '.join(POOLINGS)}, got '{name}'.")
    return POOLINGS[name](dim, grid)
