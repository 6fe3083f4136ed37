"""The entry point of the reader: a scan of any format from its path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .dicom import is_dicom, open_dicom
from .itk import open_itk
from .names import files_of, suffix_of
from .nifti import open_nibabel
from .scan import ScanFile, ScanFileError, check_size, reason
from .slices import open_slice

__all__ = ["open_scan"]

KNOWN = "NIfTI (.nii, .nii.gz, .img with .hdr), MGH and MGZ, NRRD, DICOM, .npz and .png"


def open_scan(path: str | Path) -> ScanFile:
    """Read the header of a scan; its voxels are read when they are asked for.

    Args:
        path: NIfTI-1 or -2 (.nii, .nii.gz), a pair of .img and .hdr (NIfTI or Analyze), FreeSurfer's MGH or MGZ, NRRD, PNG,
            a slice of the original training code (.npz), a folder with one DICOM series, or one DICOM file.

    Raises:
        ScanFileError: If the file is none of these, or can't be used.
    """
    path = Path(path)
    with reason():
        scan = _reader_of(path)(path)
        check_size(scan.shape, sum(file.stat().st_size for file in files_of(path)))
        return scan


def _reader_of(path: Path) -> Callable[[Path], ScanFile]:
    suffix = suffix_of(path)
    if path.is_dir():
        return open_dicom
    if suffix == ".npz":
        return open_slice
    if suffix in (".nrrd", ".nhdr", ".png"):
        return open_itk
    if suffix:
        return open_nibabel
    if is_dicom(path):
        return open_dicom
    raise ScanFileError(f"is in no known format; known are {KNOWN}")
