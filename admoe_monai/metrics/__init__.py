"""Per-epoch metrics that MONAI, ignite and scikit-learn lack."""

from admoe_monai.metrics.balanced_accuracy import BalancedAccuracy

__all__ = ["BalancedAccuracy"]
