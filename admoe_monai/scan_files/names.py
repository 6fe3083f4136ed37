"""Names of scan files, and the files that make up a scan."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from .scan import ScanFileError

__all__ = ["SCAN_SUFFIXES", "file_states", "files_of", "is_scan_name", "suffix_of"]

#: What a folder is searched for; of a pair the file of voxels stands for both.
SCAN_SUFFIXES = (".nii", ".nii.gz", ".mgz", ".mgh", ".img", ".img.gz", ".nrrd", ".nhdr")
#: Read as well, where a table or datalist names them: they may be other things.
NAMED_SUFFIXES = (".hdr", ".hdr.gz", ".npz", ".png")
_HALVES = {".img": ".hdr", ".hdr": ".img", ".img.gz": ".hdr.gz", ".hdr.gz": ".img.gz"}
_DETACHED = re.compile(rb"^data ?file: *(.+?) *\r?$", re.IGNORECASE | re.MULTILINE)


def suffix_of(path: str | Path) -> str:
    """Known suffix of a name in lower case; empty if it has none."""
    name = Path(path).name.lower()
    known = (*SCAN_SUFFIXES, *NAMED_SUFFIXES)
    return max((suffix for suffix in known if name.endswith(suffix)), key=len, default="")


def is_scan_name(name: str | Path) -> bool:
    """Whether a file of this name in a folder is taken for a scan.

    DICOM series are folders, and .npz files are told apart by their content (:func:`.slices.is_slice`).
    """
    return suffix_of(name) in SCAN_SUFFIXES


def files_of(path: str | Path) -> list[Path]:
    """List the files that make up a scan.

    Args:
        path: File, or folder with a DICOM series, all of whose files count.

    Returns:
        One file, the two of a pair, a header and the data that it names, or those of the folder by name.

    Raises:
        ScanFileError: If the other half of a pair, or the data of a header, is missing.
        OSError: If the folder or header can't be read.
    """
    path = Path(path)
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    suffix = suffix_of(path)
    if suffix in _HALVES:
        return [path, _beside(path, path.name[: -len(suffix)] + _other_half(path, suffix))]
    if suffix == ".nhdr" and (named := _DETACHED.search(path.read_bytes())) is not None:
        name = named[1].decode("utf-8", errors="replace")
        if name.upper().startswith("LIST") or "%" in name:
            raise ScanFileError("names several files of data; write it as one .nrrd file")
        return [path, _beside(path, name)]
    return [path]


def file_states(path: str | Path) -> list[tuple[Any, ...]]:
    """State of each file of a scan, which changes when it is rewritten: name, size, times of modification and change.

    Args:
        path: As for :func:`files_of`.

    Raises:
        OSError: If a file can't be accessed.
        ScanFileError: If one is missing.
    """
    states = ((file, os.stat(file)) for file in files_of(path))
    # The change time catches a file rewritten with its old size and modification time.
    return [(os.path.abspath(file), s.st_size, s.st_mtime_ns, s.st_ctime_ns) for file, s in states]


def _other_half(path: Path, suffix: str) -> str:
    half = _HALVES[suffix]
    return half.upper() if path.name.endswith(suffix.upper()) else half


def _beside(path: Path, name: str) -> Path:
    other = path.with_name(name)
    if not other.is_file():
        raise ScanFileError(f"lacks its other half: there is no {other}")
    return other
