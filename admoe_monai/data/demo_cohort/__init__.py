"""A simulated longitudinal cohort with known truth, for trying the whole framework without real data."""

from .cohort import make_demo_cohort
from .effects import DECLARED_EFFECTS, realised_effects

__all__ = ["DECLARED_EFFECTS", "make_demo_cohort", "realised_effects"]
