"""Slices of the original training code: .npz files with an array ``slice``."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .scan import ScanFile, ScanFileError, ScanNote, check_size

__all__ = ["is_slice", "open_slice"]

#: Bytes of a complex number of double precision.
LARGEST_NUMBER = 16
NO_SIZE = "no voxel size and no position (.npz): pixels are taken for squares of 1 mm"


def is_slice(path: str | Path) -> bool:
    """Whether a file is an archive with an array ``slice``; preprocessed scans are .npz files too."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "slice.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def open_slice(path: Path) -> ScanFile:
    """Read the slice of an .npz file; of equal colour channels the first is kept.

    Args:
        path: Path of the file; nothing in it is unpickled.

    Raises:
        ScanFileError: If there is no such array, it is no slice, or its channels differ.
        Exception: Any error of numpy at a file that it can't read.
    """
    _check_array(path)
    with np.load(path, allow_pickle=False) as content:
        values = content["slice"]
    if np.iscomplexobj(values):
        raise ScanFileError("holds complex numbers; write their magnitude")
    pixels = np.ascontiguousarray(_grey(values.astype(np.float32)))
    return ScanFile(pixels.shape, np.eye(4), (1.0, 1.0), lambda: pixels, False, (ScanNote(NO_SIZE),))


def _check_array(path: Path) -> None:
    """Look at what the archive and the array say of themselves, for numpy makes room for all of it before it reads."""
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if "slice" not in names:
            raise ScanFileError(f"holds no array 'slice' but {', '.join(names) or 'nothing'}")
        with archive.open("slice.npy") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file)
    check_size(shape, path.stat().st_size)
    if dtype.itemsize > LARGEST_NUMBER:
        raise ScanFileError(f"holds {dtype}, no numbers")


def _grey(values: NDArray[np.float32]) -> NDArray[np.float32]:
    if values.ndim == 3 and min(values.shape) <= 4:
        channels = np.moveaxis(values, int(np.argmin(values.shape)), 0)
        if (channels != channels[:1]).any():
            raise ScanFileError("holds a slice whose channels differ: it is no grey image")
        values = channels[0]
    if values.ndim != 2:
        raise ScanFileError(f"holds a slice of the shape {values.shape}")
    return values
