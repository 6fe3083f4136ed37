"""Parameter-free parts of the networks: window plans, relative positions, gate arithmetic, pixel shuffle."""

from .gating import Routing, select_experts
from .pixel_shuffle import PixelShuffle
from .position_bias import relative_positions
from .windows import WindowPlan

__all__ = ["PixelShuffle", "Routing", "WindowPlan", "relative_positions", "select_experts"]
