"""Means of maps over people, one scan at a time, so that memory does not grow with their number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Volume = NDArray[np.float64]


@dataclass
class MeanMap:
    """Mean and spread of maps over people, by Welford's method.

    Attributes:
        people: Number of maps.
        mean: Their mean; a single 0 before the first one.
    """

    people: int = 0
    mean: Volume = field(default_factory=lambda: np.zeros(()))
    _squares: Volume = field(default_factory=lambda: np.zeros(()))

    def add(self, values: NDArray[np.floating[Any]]) -> None:
        """Add the map of one person.

        Args:
            values: Map of the shape of all others.
        """
        self.people += 1
        off = values - self.mean
        self.mean = self.mean + off / self.people
        self._squares = self._squares + off * (values - self.mean)

    def steadiness(self) -> Volume:
        """Divide the mean by its standard error: how sure its sign is over these people, from two of them on.

        Raises:
            ValueError: If there are fewer.
        """
        if self.people < 2:
            raise ValueError(f"the spread over people needs two of them, got {self.people}")
        error = np.sqrt(self._squares / (self.people - 1) / self.people)
        return np.divide(self.mean, error, out=np.zeros_like(self.mean), where=error > 0)
