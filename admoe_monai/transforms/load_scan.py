"""Reading a scan, with one clear line for a file that can't be used.

Shapes: ``*S`` spatial axes.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import LoadImage, MapTransform, Transform
from monai.utils import TransformBackends

from admoe_monai.errors import UserError
from admoe_monai.scan_files import read_special_scan

__all__ = ["LoadScan", "LoadScand"]


class LoadScan(Transform):
    """Read one scan and make sure that it is one.

    Formats are those of MONAI's ``LoadImage`` (NIfTI, PNG, NRRD), FreeSurfer's MGZ and MGH, a folder with a DICOM series,
    and slices of the original training code (.npz). Axes of length one at the end are dropped, so that a slice stored as a
    volume of one slice is a slice.

    Args:
        spatial_dims: 2 for slices, 3 for volumes.

    Raises:
        ValueError: If ``spatial_dims`` is neither 2 nor 3.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's own declaration

    def __init__(self, spatial_dims: int = 3) -> None:
        if spatial_dims not in (2, 3):
            raise ValueError(f"spatial_dims must be 2 or 3, got {spatial_dims}")
        self.spatial_dims = spatial_dims
        self.loader = LoadImage(image_only=True, dtype=np.float32)

    def __call__(self, path: str | Path) -> MetaTensor:
        """Read the scan.

        Returns:
            ``(1, *S)`` float32 with its affine in mm, and nothing else of its header.

        Raises:
            UserError: If the file is missing, unreadable, of another dimension, not finite, constant or without a
                usable affine.
        """
        if not Path(path).exists():
            raise UserError(f"scan not found: {path}")
        try:
            scan = self._read(Path(path))
        except MemoryError:
            raise
        except Exception as error:  # nibabel, zlib, ITK and PIL share no base class
            raise UserError(f"unreadable scan {path}: {_reason(error)}; replace the file or drop its visit") from error
        while scan.ndim > self.spatial_dims and scan.shape[-1] == 1:
            scan = scan[..., 0]
        self._check(scan, path)
        # Only the affine is kept of the header. MONAI 1.6.1's Spacingd takes every key that begins with "image_" for a
        # dictionary of meta data once a tensor names its NIfTI file, and header entries make cached items unreadable.
        # The channel is added here: EnsureChannelFirst reads it off a header, which 2D NIfTI lacks.
        return MetaTensor(scan.as_tensor()[None], affine=scan.affine)

    def _read(self, path: Path) -> MetaTensor:
        if (special := read_special_scan(path)) is not None:
            voxels, affine = special
            return MetaTensor(torch.from_numpy(voxels), affine=affine)
        scan: MetaTensor = self.loader(path)
        return scan

    def _check(self, scan: MetaTensor, path: str | Path) -> None:
        if scan.ndim != self.spatial_dims:
            raise UserError(f"scan {path} has the shape {tuple(scan.shape)}, expected {self.spatial_dims} axes")
        bad = int((~torch.isfinite(scan)).sum())
        if bad:
            raise UserError(f"scan {path} holds {bad} voxels that are NaN or infinite; repair it or drop its visit")
        if float(scan.min()) == float(scan.max()):
            raise UserError(f"scan {path} is empty: all its voxels are {float(scan.min()):g}")
        affine = torch.as_tensor(scan.affine, dtype=torch.float64)
        if not torch.isfinite(affine).all() or abs(float(torch.linalg.det(affine))) < 1e-9:
            raise UserError(f"scan {path} has an affine that can't be inverted; repair its header")


def _reason(error: BaseException) -> str:
    """First line of what the reader itself said; MONAI wraps it in a page about readers."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


class LoadScand(MapTransform):
    """Dictionary twin of :class:`LoadScan`.

    Args:
        keys: keys of the paths, replaced by the scans.
        spatial_dims: see :class:`LoadScan`.
        allow_missing_keys: skip keys that an item lacks.
    """

    backend = LoadScan.backend

    def __init__(self, keys: KeysCollection = "image", spatial_dims: int = 3, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = LoadScan(spatial_dims)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with scans in place of paths."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.transform(item[key])
        return item
