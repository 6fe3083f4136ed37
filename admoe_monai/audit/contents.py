"""Contents of image files: digests that find a copy under another name, the header, the fingerprint."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from admoe_monai.errors import UserError
from admoe_monai.scan_files import files_of

from .entries import Entry
from .finding import Finding, examples
from .fingerprints import Fingerprint, fingerprint
from .images import read_image
from .overlap import shared

__all__ = ["Content", "content_overlaps", "read_contents"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Content:
    """Contents of one image file.

    Attributes:
        file_digest: SHA-256 of its bytes.
        voxel_digest: SHA-256 of its shape and voxels; compression, data type and header make no difference.
        shape: Voxels along each axis.
        spacing: Edge of a voxel along each axis, in mm.
        print: Fingerprint: the head at low resolution.
    """

    file_digest: str
    voxel_digest: str
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    print: Fingerprint


def read_contents(entries: Sequence[Entry]) -> tuple[dict[str, Content], list[Finding]]:
    """Read each image once.

    Args:
        entries: Rows whose images are read.

    Returns:
        The contents by path, and a finding for those that can't be read.
    """
    paths = list(dict.fromkeys(str(entry.visit["image"]) for entry in entries))
    contents: dict[str, Content] = {}
    problems = []
    for path in tqdm(paths, desc="reading images", unit="image", disable=None):
        try:
            contents[path] = _read(path)
        except UserError as error:
            problems.append(str(error))
    if not problems:
        return contents, []
    rows = tuple(entry.place for entry in entries if str(entry.visit["image"]) not in contents)
    message = f"{len(problems)} image(s) can't be read and were not compared: {examples(problems)}"
    return contents, [Finding("unreadable_image", "warning", message, rows)]


def content_overlaps(entries: Sequence[Entry], contents: Mapping[str, Content]) -> list[Finding]:
    """Find files with the same bytes, and images with the same voxels in different files.

    Args:
        entries: Rows to compare.
        contents: Contents of their images, by path.
    """
    unique: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        # One path in two splits is found without reading it.
        unique.setdefault((entry.split, str(entry.visit["image"])), entry)
    known = [entry for entry in unique.values() if str(entry.visit["image"]) in contents]
    seen: dict[str, set[str]] = {}
    for content in contents.values():
        seen.setdefault(content.voxel_digest, set()).add(content.file_digest)

    def file(entry: Entry) -> str:
        return contents[str(entry.visit["image"])].file_digest

    def voxels(entry: Entry) -> str | None:
        digest = contents[str(entry.visit["image"])].voxel_digest
        return digest if len(seen[digest]) > 1 else None

    return [
        *shared("file_overlap", "file", known, file),
        *shared("voxel_overlap", "image saved anew", known, voxels),
    ]


def _read(path: str) -> Content:
    image = read_image(path)
    return Content(
        _file_digest(Path(path)),
        # Rounded to what integers and single precision have in common, so that -0 and 0 are one.
        hashlib.sha256(
            repr(image.voxels.shape).encode() + (np.ascontiguousarray(image.voxels) + 0.0).tobytes()
        ).hexdigest(),
        image.voxels.shape,
        tuple(round(float(edge), 4) for edge in image.spacing),
        fingerprint(image),
    )


def _file_digest(path: Path) -> str:
    """SHA-256 of all files that make up the scan."""
    digest = hashlib.sha256()
    for file in files_of(path):
        digest.update(file.read_bytes())
    return digest.hexdigest()
