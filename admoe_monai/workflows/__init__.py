"""What the configs call: the settings, the plan of phases, the run directory, the hand-over."""

from .bundles.inference import infer, inference_digest, prior_columns, training_reference
from .bundles.runs import bundle_run_directory, run_bundle
from .entry import compose, train
from .run.phase import Phase

__all__ = [
    "Phase",
    "bundle_run_directory",
    "compose",
    "infer",
    "inference_digest",
    "prior_columns",
    "run_bundle",
    "train",
    "training_reference",
]
