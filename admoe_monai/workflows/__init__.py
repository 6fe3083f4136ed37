"""The functions that the configs call: settings, plan of phases, run directory, export."""

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
