"""Formats that nibabel reads: NIfTI-1 and -2, pairs of .img and .hdr, Analyze, and FreeSurfer's MGH and MGZ."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import math
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from .names import files_of, suffix_of
from .scan import ScanFile, ScanFileError, ScanNote, check_size

__all__ = ["open_nibabel"]

NO_FORMS = "neither qform nor sform: their position, and what is left and right, is what the format assumes"
NO_PLACE = "no position (Analyze): where they lie, and what is left and right, is what nibabel assumes"
#: Most bytes that stand beside the voxels: extensions of NIfTI, tags of MGH.
MOST_BESIDE = 1 << 24
FORMS_DIFFER = "a qform and an sform that contradict each other: the sform counts"


def open_nibabel(path: Path) -> ScanFile:
    """Read the header of a file.

    Args:
        path: Path of the file; of a pair, either half.

    Raises:
        ScanFileError: If its voxels are no grey values, or qform and sform mirror each other.
        Exception: Any error of nibabel at a file that it can't read.
    """
    image: Any
    if suffix_of(path) in (".mgz", ".mgh"):
        image = _read_mgh(path)
    else:
        for file in files_of(path):  # says which half of a pair is missing
            _check_extensions(file)
        image = nib.load(path)
    _check_kind(image.get_data_dtype())
    has_position, notes = True, []
    if hasattr(image.header, "get_sform"):
        has_position = int(image.header["sform_code"]) + int(image.header["qform_code"]) > 0
        notes = _compared_forms(image.header, image.shape) if has_position else [ScanNote(NO_FORMS)]
    elif isinstance(image, nib.AnalyzeImage):
        has_position = _has_origin(image)
        notes = [] if has_position else [ScanNote(NO_PLACE)]
    return ScanFile(
        shape=image.shape,
        affine=image.affine,
        spacing=image.header.get_zooms(),
        load=lambda: np.asanyarray(image.dataobj),
        has_position=has_position,
        notes=tuple(notes),
    )


def _read_mgh(path: Path) -> nib.MGHImage:
    """Not nib.load, which (5.4) leaves an uncompressed file open; and no more than the header states, for zeros compress."""
    with (gzip.open if suffix_of(path) == ".mgz" else open)(path, "rb") as file:
        start = file.read(nib.freesurfer.mghformat.DATA_OFFSET)
        kind = nib.MGHImage.header_class
        header = kind(start[: kind._hdrdtype.itemsize], check=False)
        shape = [max(int(length), 0) for length in header.get_data_shape()]
        check_size(shape, path.stat().st_size)
        size = math.prod(shape) * header.get_data_dtype().itemsize
        return nib.MGHImage.from_bytes(start + file.read(size + MOST_BESIDE))


def _check_extensions(file: Path) -> None:
    """Refuse a header with more beside it than any has: nibabel reads all of that at once, and zeros compress."""
    suffix = suffix_of(file)
    if suffix not in (".nii.gz", ".hdr.gz"):
        return
    beside = 0.0
    with contextlib.suppress(OSError, EOFError, zlib.error, WrapStructError), gzip.open(file) as stream:
        if suffix == ".hdr.gz":
            beside = len(stream.read(MOST_BESIDE + 1))
        else:
            start = stream.read(nib.Nifti2Header.sizeof_hdr)
            kind = nib.Nifti2Header if nib.Nifti2Header.may_contain_header(start) else nib.Nifti1Header
            beside = kind(start[: kind.sizeof_hdr], check=False)["vox_offset"]
    # What else is wrong with a file, nibabel says.
    if beside > MOST_BESIDE:
        raise ScanFileError(f"has a header of more than {MOST_BESIDE >> 20} MiB; write it anew without its extensions")


def _check_kind(dtype: np.dtype[Any]) -> None:
    if dtype.names is not None:
        raise ScanFileError(f"holds colours ({', '.join(dtype.names)}), no grey values; write one grey value per voxel")
    if np.issubdtype(dtype, np.complexfloating):
        raise ScanFileError("holds complex numbers; write their magnitude")


def _has_origin(image: nib.AnalyzeImage) -> bool:
    """SPM wrote the origin into the header, or an affine into a .mat file, which nibabel has read."""
    origin = image.header["origin"][:3] if "origin" in image.header.keys() else (0,)  # noqa: SIM118 - no mapping
    return bool(np.any(origin)) or not np.allclose(image.affine, image.header.get_best_affine())


def _compared_forms(header: nib.Nifti1Header, shape: Sequence[int]) -> list[ScanNote]:
    sform, sform_code = header.get_sform(coded=True)
    try:
        qform, qform_code = header.get_qform(coded=True)
    except (HeaderDataError, ValueError) as error:
        return [ScanNote(FORMS_DIFFER, f"its qform is none: {error}")] if sform_code else []
    if not (sform_code and qform_code) or not (np.isfinite(sform).all() and np.isfinite(qform).all()):
        return []
    both = f"qform {_described(qform)}, sform {_described(sform)}"
    if np.linalg.det(qform[:3, :3]) * np.linalg.det(sform[:3, :3]) < 0:
        raise ScanFileError(f"has a qform and an sform that mirror each other ({both})")
    ends = [(0, length - 1) for length in (*shape[:3], 1, 1)[:3]]
    corners = np.array([(*corner, 1) for corner in itertools.product(*ends)])
    apart = float(np.linalg.norm(corners @ (qform - sform)[:3].T, axis=1).max())
    smallest = float(np.linalg.norm(sform[:3, :3], axis=0).min())
    return [ScanNote(FORMS_DIFFER, f"{both}: up to {apart:.1f} mm apart")] if apart > smallest / 2 else []


def _described(affine: NDArray[np.float64]) -> str:
    if abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        return "without a volume"
    axes = "".join(str(code) for code in nib.aff2axcodes(affine))
    edges = " x ".join(f"{edge:.3g}" for edge in np.linalg.norm(affine[:3, :3], axis=0))
    return f"{axes} {edges} mm from ({', '.join(f'{mm:.1f}' for mm in affine[:3, 3])})"
