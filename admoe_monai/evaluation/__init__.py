"""Subject-level figures with intervals, baselines to compare them with, and pictures."""

from admoe_monai.evaluation.evaluate import evaluate_predictions
from admoe_monai.evaluation.predictions import PredictionTable

__all__ = ["PredictionTable", "evaluate_predictions"]
