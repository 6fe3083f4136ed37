"""Weights that others published, under the names and in the shapes that they have in a network of this package."""

from .layouts import OTHER, OWN, Layout, layout_of
from .weights import FoundWeights, UnsuitableWeightsError, as_network_weights

__all__ = ["OTHER", "OWN", "FoundWeights", "Layout", "UnsuitableWeightsError", "as_network_weights", "layout_of"]
