"""Formats that ITK reads: NRRD, with its data in the same file or beside it, and PNG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 - its customary name
from numpy.typing import NDArray

from .names import files_of, suffix_of
from .scan import ScanFile, ScanFileError, ScanNote

__all__ = ["LPS_TO_RAS", "open_itk"]

NO_DIRECTIONS = "no space directions (NRRD): their voxels are taken for cubes of 1 mm unless it gives spacings"
PICTURES = "no voxel size and no position (PNG): pixels are taken for squares of 1 mm"

#: ITK's and DICOM's axes point to the left and back, those of NIfTI and MONAI to the right and front.
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def open_itk(path: Path) -> ScanFile:
    """Read the header of an NRRD or PNG file.

    Raises:
        ScanFileError: If its voxels are no grey values, or its data are missing.
        Exception: Any error of ITK at a file that it can't read.
    """
    files_of(path)  # says which file of data is missing
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    kind = sitk.GetPixelIDValueAsString(reader.GetPixelID())
    if reader.GetNumberOfComponents() > 1:
        what = "complex numbers; write their magnitude" if "complex" in kind else "colours or vectors, no grey values"
        raise ScanFileError(f"holds {what}")
    shape, spacing = reader.GetSize(), reader.GetSpacing()
    load = lambda: _voxels(reader)  # noqa: E731 - one word for what all formats have
    if suffix_of(path) == ".png":
        return ScanFile(shape, np.eye(4), (1.0,) * len(shape), load, False, (ScanNote(PICTURES),))
    has_position = _has_directions(path)
    notes = () if has_position else (ScanNote(NO_DIRECTIONS),)
    return ScanFile(shape, _affine(reader), spacing, load, has_position, notes)


def _voxels(reader: sitk.ImageFileReader) -> NDArray[np.generic]:
    return sitk.GetArrayFromImage(reader.Execute()).T


def _affine(reader: sitk.ImageFileReader) -> NDArray[np.float64]:
    """Affine of the first three axes; a slice lies in the plane z = 0."""
    axes = min(reader.GetDimension(), 3)
    direction = np.reshape(reader.GetDirection(), (reader.GetDimension(),) * 2)
    affine = np.eye(4)
    affine[:axes, :axes] = (direction * reader.GetSpacing())[:axes, :axes]
    affine[:axes, 3] = reader.GetOrigin()[:axes]
    return LPS_TO_RAS @ affine


def _has_directions(path: Path) -> bool:
    with path.open("rb") as file:
        lines = iter(file.readline, b"")
        # An empty line ends the text of the header.
        return any(
            line.lower().startswith(b"space directions:") for line in iter(lambda: next(lines, b"").strip(), b"")
        )
