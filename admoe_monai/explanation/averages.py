"""Means of maps over people, one scan at a time, and what training has added to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Volume = NDArray[np.float64]


@dataclass
class MeanMap:
    """Mean of maps over people, and of their squares.

    Attributes:
        people: Number of maps.
        mean: Their mean; a single 0 before the first one.
    """

    people: int = 0
    mean: Volume = field(default_factory=lambda: np.zeros(()))
    _square: Volume = field(default_factory=lambda: np.zeros(()))

    def add(self, values: NDArray[np.floating[Any]]) -> None:
        """Add the map of one person.

        Args:
            values: Map of the shape of all others.
        """
        self.people += 1
        self.mean = self.mean + (values - self.mean) / self.people
        self._square = self._square + (np.square(values, dtype=np.float64) - self._square) / self.people

    def strength(self) -> Volume:
        """Return the root of the mean square over people: how strong maps are at a place, whatever their signs."""
        return np.asarray(np.sqrt(self._square))


def strength_over(
    strength: Volume, untrained: Volume, foreground: NDArray[np.floating[Any]], blur: float = 1.5
) -> Volume:
    """Hold the strength of a network's maps against that of networks that have learned nothing.

    A convolutional network without training already looks more at some places of a head than at others: at edges, in the
    dark, far from the border of the image. What is left here is what training has added.

    Args:
        strength: Strength of the network's maps, (*S).
        untrained: The same of untrained ones, (*S), whose scale is of no meaning.
        foreground: Share of scans whose head covers the voxel, (*S).
        blur: Standard deviation in voxels by which both are smoothed: only one of them, and narrow structures stand out.

    Returns:
        Ratio, (*S), whose median over the head is 1; 0 outside of it.
    """
    head = np.asarray(foreground) > 0.5
    own, other = (ndimage.gaussian_filter(values, blur) for values in (strength, untrained))
    ratio = np.divide(own, other, out=np.zeros_like(own), where=head & (other > 0))
    middle = float(np.median(ratio[head])) if head.any() else 0.0
    return np.asarray(ratio / middle if middle > 0 else ratio)
