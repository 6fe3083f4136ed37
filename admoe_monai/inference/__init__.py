"""Scans in, predictions out: scans that no datalist lists, a journal that survives a kill, the tables at the end."""

from .journal import PredictionJournal
from .prediction_files import PredictionFiles
from .scans import ScanDataset, find_scans, scans_to_predict

__all__ = ["PredictionFiles", "PredictionJournal", "ScanDataset", "find_scans", "scans_to_predict"]
