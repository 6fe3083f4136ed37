"""The clinical prior as a token. Axis letters: B batch, P prior columns, C channels."""

from __future__ import annotations

from torch import Tensor, nn


class ClinicalEncoder(nn.Sequential):
    """MLP from the numbers of a visit to the width of the tokens that they will meet.

    ``prior_dim → hidden → 2 * hidden → dim``: LayerNorm and ReLU after the first two layers, LayerNorm after the last.

    Args:
        prior_dim: Numbers P per visit.
        dim: Width C of the tokens at the point of fusion.
        hidden: Width of the first layer.
    """

    def __init__(self, prior_dim: int, dim: int, hidden: int = 128) -> None:
        super().__init__(
            nn.Linear(prior_dim, hidden),
            nn.LayerNorm(hidden),
            nn.ReLU(),
            nn.Linear(hidden, 2 * hidden),
            nn.LayerNorm(2 * hidden),
            nn.ReLU(),
            nn.Linear(2 * hidden, dim),
            nn.LayerNorm(dim),
        )

    def forward(self, prior: Tensor) -> Tensor:
        """Encode ``(B, P)`` into ``(B, C)``."""
        encoded: Tensor = super().forward(prior)
        return encoded
