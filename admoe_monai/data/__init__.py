"""Datalists, the seeded data stream, the store of preprocessed scans, prior statistics.

``cohorts`` and ``demo_cohort`` are imported by their own names: they bring heavier libraries along.
"""

from __future__ import annotations

from .datalist import Datalist, definition_in_words, load_datalist, save_datalist
from .datalist_problems import datalist_problems
from .other_labels import OtherLabels
from .prior import fit_prior, select_columns
from .store import PreprocessedStore
from .stream import EpochSampler, SeededDataset, leave_signals_to_main

__all__ = [
    "Datalist",
    "EpochSampler",
    "OtherLabels",
    "PreprocessedStore",
    "SeededDataset",
    "datalist_problems",
    "definition_in_words",
    "fit_prior",
    "leave_signals_to_main",
    "load_datalist",
    "save_datalist",
    "select_columns",
]
