"""Ignite handlers, one job each; they meet the engines in the configs."""

from .acting_last import act_last
from .cadence import Cadence
from .checkpoint_saver import CheckpointSaver, Stateful, parameter_names
from .decoder_remover import DecoderRemover
from .epoch_metrics import Epoch, EpochMetrics, Tracker
from .exponential_moving_average import ExponentialMovingAverage
from .feature_standardisation import FeatureStandardisation
from .freezing import Freezing
from .gradients import FiniteLoss, GradientClipping
from .interruption import EXIT_INTERRUPTED, Interrupted, Interruption, Signals
from .metrics_csv import CsvTracker, append_row
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
    "CsvTracker",
    "DecoderRemover",
    "EarlyStop",
    "Epoch",
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
    "parameter_names",
]
