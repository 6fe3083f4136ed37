"""Datalists, the seeded data stream, the store of preprocessed scans, prior statistics.

``cohorts`` and ``demo_cohort`` are imported by their own names: they bring heavier libraries along.
"""

from __future__ import annotations

from .datalist import Datalist, load_datalist, save_datalist
from .datalist_problems import datalist_problems
from .prior import fit_prior, select_columns
from .store import PreprocessedStore
from .stream import EpochSampler, SeededDataset, leave_signals_to_main

__all__ = [
    "Datalist",
    "EpochSampler",
    "PreprocessedStore",
    "SeededDataset",
    "datalist_problems",
    "fit_prior",
    "leave_signals_to_main",
    "load_datalist",
    "save_datalist",
    "select_columns",
]
