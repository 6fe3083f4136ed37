"""From the tokens of an image to one feature vector. Axis letters: B batch, D width of a token, *G tokens along each axis."""

from __future__ import annotations

from torch import Tensor, nn


class AveragePooling(nn.Module):
    """The average over all tokens, wherever they lie; no parameters, any grid.

    Args:
        dim: Width D of a token; of no meaning here, but for a pooling with parameters.
    """

    def __init__(self, dim: int = 0) -> None:
        super().__init__()

    def forward(self, tokens: Tensor) -> Tensor:
        """Pool ``(B, *G, D)`` to ``(B, D)``."""
        return tokens.flatten(1, -2).mean(dim=1)
