"""DICOM: one series in a folder, or one file; the position is read from each slice, never assumed.

A series that was copied in part, or holds a slice twice, still makes a volume in every reader; its geometry is then wrong
without a warning (ITK, issue 1391). pydicom gives the position of each slice, also within a file of several frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import SimpleITK as sitk  # noqa: N813 - its customary name
from numpy.typing import NDArray
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

from .itk import LPS_TO_RAS
from .names import files_of
from .scan import ScanFile, ScanFileError, ScanNote, check_size
from .series import Slice, series_affine

__all__ = ["is_dicom", "open_dicom"]

#: Where a DICOM file says that it is one.
_MAGIC_START, _MAGIC = 128, b"DICM"
GAPS = "gaps in the numbers of their slices (InstanceNumber), though these lie evenly: slices may be missing"
#: Functional groups of enhanced files, and what is read of them.
_GROUPS = {
    "PlanePositionSequence": "ImagePositionPatient",
    "PlaneOrientationSequence": "ImageOrientationPatient",
    "PixelMeasuresSequence": "PixelSpacing",
}
_TAGS = [
    "SOPClassUID", "Modality", "SeriesInstanceUID", "InstanceNumber", "NumberOfFrames", "SamplesPerPixel", "Rows", "Columns",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SpacingBetweenSlices",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
]  # fmt: skip


def is_dicom(file: str | Path) -> bool:
    """Whether a file has the mark of DICOM; any path is allowed."""
    try:
        with Path(file).open("rb") as stream:
            stream.seek(_MAGIC_START)
            return stream.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def open_dicom(path: Path) -> ScanFile:
    """Read the header of a series: the positions of its slices.

    Args:
        path: Folder that holds the files of one series and no other DICOM, or one file.

    Raises:
        ScanFileError: If there is no series or there are several, slices lack a position, are missing or doubled, lie
            unevenly or are turned against each other, hold colours, or claim more than they can hold.
        Exception: Any error of pydicom at a file that it can't read.
    """
    headers = [(file, header) for file in files_of(path) if (header := _header(file)) is not None]
    series = {str(header.get("SeriesInstanceUID", "")) for _, header in headers}
    if len(series) != 1:
        raise ScanFileError(f"is a folder that holds {len(series)} DICOM series, expected one")
    slices = [part for file, header in headers for part in _slices(file, header)]
    ordered, affine = series_affine(slices)
    first = ordered[0]
    shape = (first.columns, first.rows, len(ordered))
    spacing = tuple(np.linalg.norm(affine[:3, :3], axis=0))
    return ScanFile(shape, LPS_TO_RAS @ affine, spacing, lambda: _voxels(ordered, shape), True, _notes(slices))


def _header(file: Path) -> pydicom.Dataset | None:
    """Header of a file with an image; None for any other file of the folder."""
    if not is_dicom(file):
        return None
    meta = read_file_meta_info(file)
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        raise ScanFileError(f"is compressed as a whole (deflated): {file.name}; write it anew as plain DICOM")
    try:
        header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=list(_TAGS))
    except InvalidDicomError:
        return None
    except MemoryError as error:
        raise ScanFileError(f"has an element that claims more bytes than there is memory: {file.name}") from error
    # Directories, reports and the like have no rows.
    return header if "Rows" in header else None


@dataclass(frozen=True)
class _Frames:
    """Values of one frame: from the functional groups of an enhanced file, else from the header itself."""

    header: pydicom.Dataset
    groups: Sequence[pydicom.Dataset]

    def value(self, name: str) -> Any:
        for group in self.groups:
            for sequence, member in _GROUPS.items():
                if member == name and group.get(sequence):
                    return group[sequence].value[0].get(name)
        return self.header.get(name)


def _slices(file: Path, header: pydicom.Dataset) -> list[Slice]:
    if int(header.get("SamplesPerPixel") or 1) > 1:
        raise ScanFileError(f"holds colours, no grey values: {file.name}")
    shared = list(header.get("SharedFunctionalGroupsSequence") or [])
    each = list(header.get("PerFrameFunctionalGroupsSequence") or [])
    count = int(header.get("NumberOfFrames") or 1)
    check_size((int(header.Columns), int(header.Rows), count), file.stat().st_size)
    slices = []
    for frame in range(count):
        groups = _Frames(header, [*each[frame : frame + 1], *shared])
        number = header.get("InstanceNumber")
        slices.append(
            Slice(
                file=file,
                frame=frame,
                name=file.name if count == 1 else f"{file.name} frame {frame + 1}",
                rows=int(header.Rows),
                columns=int(header.Columns),
                position=_numbers(groups.value("ImagePositionPatient"), 3),
                orientation=_numbers(groups.value("ImageOrientationPatient"), 6),
                spacing=_numbers(groups.value("PixelSpacing"), 2),
                between=_numbers([header.get("SpacingBetweenSlices")], 1),
                number=int(number) if number not in (None, "") and count == 1 else None,
            )
        )
    return slices


def _numbers(value: Any, count: int) -> tuple[float, ...] | None:
    """Numbers of an element; None if it is absent, empty, or has another count."""
    if value is None:
        return None
    try:
        numbers = tuple(float(number) for number in value)
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count and np.isfinite(numbers).all() else None


def _notes(slices: Sequence[Slice]) -> tuple[ScanNote, ...]:
    numbers = {part.number for part in slices if part.number is not None}
    missing = max(numbers) - min(numbers) + 1 - len(numbers) if numbers else 0
    return (ScanNote(GAPS, f"{missing} numbers between {min(numbers)} and {max(numbers)}"),) if missing > 0 else ()


def _voxels(slices: Sequence[Slice], shape: tuple[int, ...]) -> NDArray[np.generic]:
    files = list(dict.fromkeys(str(part.file) for part in slices))
    if len(files) == len(slices) > 1:
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(files)
        return np.ascontiguousarray(sitk.GetArrayFromImage(reader.Execute()).T)
    frames = {file: sitk.GetArrayFromImage(sitk.ReadImage(file)) for file in files}
    planes = [frames[str(part.file)].reshape(-1, shape[1], shape[0])[part.frame] for part in slices]
    return np.ascontiguousarray(np.stack(planes).T)
