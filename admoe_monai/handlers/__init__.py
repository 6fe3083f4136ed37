"""Ignite handlers, one job each; they meet the engines in the configs."""

from .acting_last import act_last
from .cadence import Cadence
from .checkpoint_saver import CheckpointSaver, Stateful, parameter_names
from .confusion_picture import ConfusionPicture
from .curves_picture import CurvesPicture
from .decoder_remover import DecoderRemover
from .epoch_digests import EpochDigests
from .epoch_metrics import Epoch, EpochMetrics, Tracker
from .exponential_moving_average import ExponentialMovingAverage
from .feature_standardisation import FeatureStandardisation
from .freezing import Freezing
from .gradients import FiniteLoss, GradientClipping
from .interruption import EXIT_INTERRUPTED, Interrupted, Interruption, Signals
from .metrics_csv import CsvTracker, append_row
from .pace import Pace, duration
from .peak_memory import PeakMemory
from .precise_statistics import PreciseStatistics
from .prior_regression import PriorRegression
from .progress import EpochBar, ProgressLines
from .reconstruction_picture import ReconstructionPicture
from .running_averages import RunningAverages
from .step_seed import StepSeed
from .stream_position import StreamPosition
from .trackers import LogTracker, TensorBoardTracker
from .training_state import Improvement, TrainingState
from .validation import EarlyStop, Validation

__all__ = [
    "EXIT_INTERRUPTED",
    "Cadence",
    "CheckpointSaver",
    "ConfusionPicture",
    "CsvTracker",
    "CurvesPicture",
    "DecoderRemover",
    "EarlyStop",
    "Epoch",
    "EpochBar",
    "EpochDigests",
    "EpochMetrics",
    "ExponentialMovingAverage",
    "FeatureStandardisation",
    "FiniteLoss",
    "Freezing",
    "GradientClipping",
    "Improvement",
    "Interrupted",
    "Interruption",
    "LogTracker",
    "Pace",
    "PeakMemory",
    "PreciseStatistics",
    "PriorRegression",
    "ProgressLines",
    "ReconstructionPicture",
    "RunningAverages",
    "Signals",
    "Stateful",
    "StepSeed",
    "StreamPosition",
    "TensorBoardTracker",
    "Tracker",
    "TrainingState",
    "Validation",
    "act_last",
    "append_row",
    "duration",
    "parameter_names",
]
