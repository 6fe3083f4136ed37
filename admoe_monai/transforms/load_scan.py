"""Reading a scan, with one clear line for a file that can't be used.

Shapes: ``*S`` spatial axes.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends

from admoe_monai.errors import UserError
from admoe_monai.scan_files import ScanFileError, open_scan

__all__ = ["LoadScan", "LoadScand"]


class LoadScan(Transform):
    """Read one scan and make sure that it is one.

    Formats are those of :func:`admoe_monai.scan_files.open_scan`, which every step reads with. Axes of length one at the end
    are dropped, so that a slice stored as a volume of one slice is a slice.

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
            scan = open_scan(path)
            if len(scan.shape) != self.spatial_dims:
                raise ScanFileError(f"has the shape {scan.shape}, expected {self.spatial_dims} axes")
            voxels = scan.voxels()
        except ScanFileError as error:
            raise UserError(f"scan {path} {error}; replace the file or drop its visit") from error
        # Only the affine is kept of the header. MONAI 1.6.1's Spacingd takes every key that begins with "image_" for a
        # dictionary of meta data once a tensor names its NIfTI file, and header entries make cached items unreadable.
        # The channel is added here: EnsureChannelFirst reads it off a header, which 2D NIfTI lacks.
        return MetaTensor(torch.from_numpy(voxels)[None], affine=scan.affine)


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
