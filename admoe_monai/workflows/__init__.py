"""The functions that the configs call: settings, plan of phases, run directory, export.

They are imported when they are asked for: whoever needs the names of settings alone does not wait for torch.
"""

import importlib
from typing import Any

_HOMES = {
    "Phase": "run.phase",
    "bundle_run_directory": "bundles.runs",
    "compose": "entry",
    "infer": "bundles.inference",
    "inference_digest": "bundles.inference",
    "prior_columns": "bundles.inference",
    "run_bundle": "bundles.runs",
    "train": "entry",
    "training_reference": "bundles.inference",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
