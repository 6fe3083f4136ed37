"""Whatever a file of voxels holds, it is read or refused with a reason, in memory that its size accounts for."""

from __future__ import annotations

import gzip
import io
import struct
from functools import cache
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admoe_monai.scan_files import ScanFileError, open_scan
from fuzzing import mutated, survives

KINDS = {
    "a.nii": nib.Nifti1Image, "a2.nii": nib.Nifti2Image, "a.nii.gz": nib.Nifti1Image, "a.mgh": nib.MGHImage,
    "a.mgz": nib.MGHImage, "a.hdr": nib.AnalyzeImage,
}  # fmt: skip
#: Fields of a NIfTI-1 header with place and kind; those of NIfTI-2 lie elsewhere and are hit by chance.
FIELDS = {
    "sizeof_hdr": (0, "i"), "dim": (40, "8h"), "datatype": (70, "h"), "bitpix": (72, "h"), "pixdim": (76, "8f"),
    "vox_offset": (108, "f"), "scl_slope": (112, "f"), "scl_inter": (116, "f"), "xyzt_units": (123, "B"),
    "qform_code": (252, "h"), "sform_code": (254, "h"), "quatern": (256, "6f"), "srow": (280, "12f"), "magic": (344, "4B"),
}  # fmt: skip
LIMITS = {"i": (-(2**31), 2**31 - 1), "h": (-(2**15), 2**15 - 1), "B": (0, 255)}


@cache
def valid(name: str) -> bytes:
    """A small volume in a format, uncompressed."""
    values = np.random.default_rng(0).integers(0, 100, (5, 4, 3)).astype(np.int32 if "mg" in name else np.int16)
    image = KINDS[name](values, np.diag([2.0, 2.0, 2.0, 1.0]))
    if name != "a.hdr":
        return bytes(image.to_bytes())
    files = image.make_file_map({"header": io.BytesIO(), "image": io.BytesIO()})
    image.to_file_map(files)
    return bytes(files["header"].fileobj.getvalue())


@st.composite
def with_fields(draw: st.DrawFn) -> bytes:
    """A NIfTI-1 file some of whose fields hold other numbers."""
    data = bytearray(valid("a.nii"))
    for name in draw(st.lists(st.sampled_from(list(FIELDS)), min_size=1, max_size=4, unique=True)):
        place, kind = FIELDS[name]
        count, letter = int(kind[:-1] or 1), kind[-1]
        numbers: st.SearchStrategy[Any] = st.floats(width=32) | st.sampled_from([0.0, 1.0, 352.0, 1e9, -1.0])
        if letter != "f":
            low, high = LIMITS[letter]
            numbers = st.integers(low, high) | st.sampled_from([0, 1, 2, 3, 4, 16, 64, 128, high])
        order = draw(st.sampled_from("<<<>"))
        struct.pack_into(order + kind, data, place, *(draw(numbers) for _ in range(count)))
    return bytes(data)


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(content, 1, mtime=0) if name.endswith(("gz", "mgz")) else content)
    if name == "a.hdr":
        path.with_suffix(".img").write_bytes(bytes(range(120)))
    return path


def read(path: Path) -> None:
    scan = open_scan(path)
    assert scan.voxels().shape == scan.shape


@pytest.mark.parametrize("name", KINDS)
def test_the_valid_files_are_read(tmp_path: Path, name: str) -> None:
    read(write(tmp_path, name, valid(name)))


@given(st.data(), st.sampled_from(list(KINDS)))
def test_a_header_of_any_bytes(tmp_path: Path, data: st.DataObject, name: str) -> None:
    path = write(tmp_path, name, data.draw(mutated(valid(name), 540 if "2" in name else 348)))
    survives(lambda: read(path), ScanFileError)


@given(with_fields(), st.sampled_from(["a.nii", "a.nii.gz"]))
def test_a_nifti_header_with_any_numbers(tmp_path: Path, content: bytes, name: str) -> None:
    path = write(tmp_path, name, content)
    survives(lambda: read(path), ScanFileError)


@given(st.data(), st.sampled_from(["a.nii.gz", "a.mgz"]))
def test_a_compressed_file_of_any_bytes(tmp_path: Path, data: st.DataObject, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(data.draw(mutated(gzip.compress(valid(name), mtime=0))))
    survives(lambda: read(path), ScanFileError)
