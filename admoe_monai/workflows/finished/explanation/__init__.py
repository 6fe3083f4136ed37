"""Where the best model of a run looks."""

from .run import explain_run
from .saliency import SMOOTHGRAD, MapSettings

__all__ = ["SMOOTHGRAD", "MapSettings", "explain_run"]
