"""Reader of scans for every step, from preparation to inference, so that none accepts what another can't read."""

from .dicom import is_dicom
from .names import SCAN_SUFFIXES, file_states, files_of, is_scan_name
from .open import open_scan
from .scan import ScanFile, ScanFileError, ScanNote
from .slices import is_slice

__all__ = [
    "SCAN_SUFFIXES",
    "ScanFile",
    "ScanFileError",
    "ScanNote",
    "file_states",
    "files_of",
    "is_dicom",
    "is_scan_name",
    "is_slice",
    "open_scan",
]
