"""Per-epoch metrics that MONAI, ignite and scikit-learn lack."""

from .balanced_accuracy import BalancedAccuracy, balanced_accuracies
from .confusion import class_metrics
from .expert_utilisation import ExpertUtilisation

__all__ = ["BalancedAccuracy", "ExpertUtilisation", "balanced_accuracies", "class_metrics"]
