"""A scan whose header has been read, with the checks of header and voxels.

Shapes: ``*S`` spatial axes, two of a slice or three of a volume.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["ScanFile", "ScanFileError", "ScanNote", "check_size", "reason"]

#: More voxels than a head has, in all and along an axis: 640 of each edge are 0.4 mm. A header may claim anything.
MOST_VOXELS, MOST_ALONG = 640**3, 4096
#: A byte of a compressed file stands for no more than so many (zlib), and a voxel takes one at least.
MOST_OF_A_BYTE = 1032

#: Steps of an affine and the voxel size beside it may differ by this share: both are rounded.
SAME_STEP = 0.05


class ScanFileError(ValueError):
    """Reason why a file can't be used: a predicate, such as ``holds colours``; the caller names the file."""


@dataclass(frozen=True)
class ScanNote:
    """An oddity of a header that is no error.

    Attributes:
        kind: Description, the same for all scans with this oddity.
        detail: What is particular to this scan.
    """

    kind: str
    detail: str = ""


@dataclass(frozen=True)
class ScanFile:
    """One slice or volume on disk.

    Args:
        shape: Voxels along each axis, as stored; axes of length one at the end are dropped.
        affine: Matrix (4, 4) from voxel indices to mm, RAS.
        spacing: Edge of a voxel in mm, as the format states it beside the affine, one per axis at least.
        load: Function that reads the voxels.
        has_position: Whether the file states the position of its voxels in space; otherwise the affine is the format's
            assumption.
        notes: Oddities of the header.

    Raises:
        ScanFileError: If it is neither a slice nor a volume, is larger than any, or its affine is singular or contradicts the
            voxel size.
    """

    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    spacing: tuple[float, ...]
    load: Callable[[], NDArray[np.generic]] = field(repr=False)
    has_position: bool = True
    notes: tuple[ScanNote, ...] = ()

    def __post_init__(self) -> None:
        shape = tuple(int(length) for length in self.shape)
        while len(shape) > 2 and shape[-1] == 1:
            shape = shape[:-1]
        affine = np.array(self.affine, dtype=np.float64)
        spacing = tuple(float(edge) for edge in self.spacing[: len(shape)])
        for name, value in (("shape", shape), ("affine", affine), ("spacing", spacing)):
            object.__setattr__(self, name, value)
        _check_header(shape, affine, spacing)

    def voxels(self) -> NDArray[np.float32]:
        """Read the voxels ``(*S)``.

        Raises:
            ScanFileError: If they can't be read, are not finite, or all the same.
        """
        with reason():
            values = np.ascontiguousarray(self.load(), dtype=np.float32).reshape(self.shape)
        bad = values.size - int(np.count_nonzero(np.isfinite(values)))
        if bad:
            raise ScanFileError(f"holds {bad} voxels that are NaN or infinite")
        if values.min() == values.max():
            raise ScanFileError(f"is empty: all its voxels are {values.min():g}")
        return values


class reason:  # noqa: N801 - reads as a statement
    """A context in which any error of a library becomes one line; nibabel, zlib, numpy and ITK share no base class."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, (ScanFileError, MemoryError)):
            lines = [line for line in str(error).strip().splitlines() if line.strip()]
            # ITK puts file and line of its own source before what it says.
            said = next((line for line in reversed(lines) if line.startswith("ITK ERROR")), *lines[:1] or [""])
            said = said.removeprefix("ITK ERROR: ").rstrip(".") or type(error).__name__
            raise ScanFileError(f"is unreadable: {said}") from error


def check_size(shape: Sequence[int], size: int | None = None) -> None:
    """Refuse a shape that no scan has, before anything of that size is made.

    Args:
        shape: Lengths of the axes, as a header states them.
        size: Bytes of the file, compressed or not; None leaves them out of account.

    Raises:
        ScanFileError: If there are too many voxels for a scan, or for the file.
    """
    shape = [int(length) for length in shape]  # numbers of a header are of 32 bits, and their product would overflow
    claimed = " x ".join(map(str, shape))
    if math.prod(shape) > MOST_VOXELS or max(shape, default=0) > MOST_ALONG:
        raise ScanFileError(f"claims {claimed} voxels, more than a scan of a head has; resample or repair it")
    if size is not None and math.prod(shape) > size * MOST_OF_A_BYTE:
        raise ScanFileError(f"claims {claimed} voxels, more than its {size} bytes can hold: it is cut short or damaged")


def _check_header(shape: Sequence[int], affine: NDArray[np.float64], spacing: Sequence[float]) -> None:
    if len(shape) not in (2, 3):
        raise ScanFileError(f"has {len(shape)} axes {tuple(shape)}, expected a slice or a volume")
    if min(shape) < 2:
        raise ScanFileError(f"has the shape {tuple(shape)}, which is no slice or volume")
    check_size(shape)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise ScanFileError("has an affine that can't be inverted")
    steps = np.linalg.norm(affine[:3, : len(spacing)], axis=0)
    if not np.allclose(steps, spacing, rtol=SAME_STEP):
        raise ScanFileError(
            f"has an affine with steps {np.round(steps, 3).tolist()} but voxels of {np.round(spacing, 3).tolist()} mm"
        )
