"""What the configs call: the settings, the plan of phases, the run directory, the hand-over."""

from .entry import compose, train
from .inference import infer, prior_columns
from .phase import Phase

__all__ = ["Phase", "compose", "infer", "prior_columns", "train"]
