"""Cohorts on disk to lists of visits: reading, labels, splits, prior statistics, datalists.

``prepare`` and ``demo_cohort`` are imported from their own modules: they bring heavier libraries along.
"""

from __future__ import annotations

from .datalist import Datalist, load_datalist, save_datalist
from .datalist_problems import datalist_problems
from .labels import change_labels, label_changes
from .prior import fit_prior, select_columns
from .scans import ScanDataset, find_scans, scans_to_predict
from .splits import kfold_subjects, split_subjects
from .store import PreprocessedStore
from .stream import EpochSampler, SeededDataset, leave_signals_to_main

__all__ = [
    "Datalist",
    "EpochSampler",
    "PreprocessedStore",
    "ScanDataset",
    "SeededDataset",
    "change_labels",
    "datalist_problems",
    "find_scans",
    "fit_prior",
    "kfold_subjects",
    "label_changes",
    "leave_signals_to_main",
    "load_datalist",
    "save_datalist",
    "scans_to_predict",
    "select_columns",
    "split_subjects",
]
