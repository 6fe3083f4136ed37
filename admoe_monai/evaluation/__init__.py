"""Subject-level figures with intervals, yardsticks to hold them against, and pictures."""

from admoe_monai.evaluation.evaluate import evaluate_predictions
from admoe_monai.evaluation.predictions import PredictionTable

__all__ = ["PredictionTable", "evaluate_predictions"]
