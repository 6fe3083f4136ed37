"""Whatever the files of a DICOM folder hold, it is read or refused with a reason."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pydicom
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, MRImageStorage

from admoe_monai.scan_files import ScanFileError, open_scan
from fuzzing import mutated, survives

SLICES = 3
#: Elements that decide what a slice is and where it lies, as text that a file may hold there.
ELEMENTS = [
    "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "InstanceNumber", "BitsAllocated", "PixelRepresentation",
]  # fmt: skip
TEXTS = ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SpacingBetweenSlices", "SeriesInstanceUID"]
NUMBERS = st.sampled_from(["0", "1", "-1", "nan", "inf", "1e308", "1e-308", "x", ""]) | st.floats(width=16).map(str)


@cache
def valid(at: int, implicit: bool = False) -> bytes:
    """One slice of a small series."""
    header = pydicom.Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID = MRImageStorage
    header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID = f"1.2.3.{at}"
    header.Modality, header.SeriesInstanceUID, header.StudyInstanceUID = "MR", "1.2.3", "1.2"
    header.ImagePositionPatient, header.ImageOrientationPatient = [0, 0, 2 * at], [1, 0, 0, 0, 1, 0]
    header.PixelSpacing, header.InstanceNumber = [2, 2], at + 1
    header.Rows, header.Columns = 4, 5
    header.BitsAllocated = header.BitsStored = 16
    header.HighBit, header.PixelRepresentation, header.SamplesPerPixel = 15, 1, 1
    header.PhotometricInterpretation = "MONOCHROME2"
    header.PixelData = np.arange(20, dtype=np.int16).tobytes()
    file = pydicom.filebase.DicomBytesIO()
    header.save_as(file, enforce_file_format=True)
    return file.getvalue()


@st.composite
def with_elements(draw: st.DrawFn, at: int) -> bytes:
    """One slice some of whose elements hold something else."""
    with pydicom.config.disable_value_validation():
        header = pydicom.dcmread(pydicom.filebase.DicomBytesIO(valid(at)))
        for name in draw(st.lists(st.sampled_from([*ELEMENTS, *TEXTS]), min_size=1, max_size=3, unique=True)):
            element = header[name] if name in header else pydicom.DataElement(name, "IS" if "Of" in name else "DS", "1")
            if element.VR == "US":
                number = draw(st.integers(0, 65535) | st.sampled_from([0, 1, 3, 65535]))
                raw = number.to_bytes(draw(st.sampled_from([2, 2, 2, 4])), "little")
            else:
                parts = draw(st.lists(NUMBERS | st.integers(-(2**31), 2**31).map(str), max_size=7))
                raw = "\\".join(parts).encode()
            raw += b" " * (len(raw) % 2)
            header[name] = pydicom.dataelem.RawDataElement(element.tag, element.VR, len(raw), raw, 0, False, True)
        file = pydicom.filebase.DicomBytesIO()
        header.save_as(file, enforce_file_format=True)
    return file.getvalue()


def write(folder: Path, last: bytes) -> Path:
    for at in range(SLICES - 1):
        (folder / f"{at}.dcm").write_bytes(valid(at))
    (folder / f"{SLICES - 1}.dcm").write_bytes(last)
    return folder


def read(folder: Path) -> None:
    scan = open_scan(folder)
    assert scan.voxels().shape == scan.shape


def test_the_valid_series_is_read(tmp_path: Path) -> None:
    read(write(tmp_path, valid(2)))
    read(write(tmp_path, valid(2, implicit=True)))


@given(st.data(), st.booleans())
def test_a_slice_of_any_bytes(tmp_path: Path, data: st.DataObject, implicit: bool) -> None:
    write(tmp_path, data.draw(mutated(valid(2, implicit))))
    survives(lambda: read(tmp_path), ScanFileError)
    survives(lambda: read(tmp_path / "2.dcm"), ScanFileError)


@given(with_elements(2))
def test_a_slice_with_anything_in_its_elements(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, content)
    survives(lambda: read(tmp_path), ScanFileError)
    survives(lambda: read(tmp_path / "2.dcm"), ScanFileError)
