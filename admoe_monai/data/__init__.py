"""Cohorts on disk to lists of visits: reading, labels, splits, prior statistics, datalists.

``cohorts.prepare`` and ``demo_cohort`` are imported from their own modules: they bring heavier libraries along.
"""

from __future__ import annotations

from .cohorts import change_labels, kfold_subjects, label_changes, split_subjects
from .datalist import Datalist, load_datalist, save_datalist
from .datalist_problems import datalist_problems
from .prior import fit_prior, select_columns
from .scans import ScanDataset, find_scans, scans_to_predict
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
