"""Datalists, the seeded data stream, the store of preprocessed scans, prior statistics.

``cohorts`` and ``demo_cohort`` are imported by their own names: they bring heavier libraries along.
"""

from __future__ import annotations

from .datalist import Datalist, load_datalist, save_datalist
from .datalist_problems import datalist_problems
from .prediction_journal import PredictionJournal
from .prior import fit_prior, select_columns
from .scans import ScanDataset, find_scans, scans_to_predict
from .store import PreprocessedStore
from .stream import EpochSampler, SeededDataset, leave_signals_to_main

__all__ = [
    "Datalist",
    "EpochSampler",
    "PredictionJournal",
    "PreprocessedStore",
    "ScanDataset",
    "SeededDataset",
    "datalist_problems",
    "find_scans",
    "fit_prior",
    "leave_signals_to_main",
    "load_datalist",
    "save_datalist",
    "scans_to_predict",
    "select_columns",
]
