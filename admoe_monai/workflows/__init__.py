"""What the configs call: the settings, the plan of phases, the run directory, the hand-over."""

from .bundles.inference import infer, prior_columns
from .bundles.runs import bundle_run_directory, run_bundle
from .entry import compose, train
from .phase import Phase

__all__ = ["Phase", "bundle_run_directory", "compose", "infer", "prior_columns", "run_bundle", "train"]
