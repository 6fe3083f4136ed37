"""Scans that MONAI's readers (1.6.1) don't read without further packages: DICOM series, FreeSurfer's files, slices in .npz."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk  # noqa: N813 - its customary name
from numpy.typing import NDArray

__all__ = ["read_dicom_series", "read_npz_slice", "read_special_scan"]

# MONAI has a reader for them and never chooses it, since it goes by the names of NIfTI files.
FREESURFER = (".mgz", ".mgh")

# ITK's axes point to the left and back, those of NIfTI and MONAI to the right and front.
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_special_scan(path: str | Path) -> tuple[NDArray[np.float32], NDArray[np.float64]] | None:
    """Read a scan of a kind that is left to this file.

    Args:
        path: folder with a DICOM series, FreeSurfer file (.mgz, .mgh) or slice (.npz).

    Returns:
        Voxels ``(*S)``, and the affine from voxel indices to mm (RAS; a slice in .npz has none, so pixels are of 1 mm). None
        for a file of another kind.

    Raises:
        Exception: Whatever nibabel, numpy or ITK raise at a file that can't be read.
    """
    path = Path(path)
    if path.is_dir():
        return read_dicom_series(path)
    if path.suffix == ".npz":
        return read_npz_slice(path), np.eye(4)
    if path.suffix in FREESURFER:
        content = path.read_bytes()
        # Not nib.load, which (5.4) leaves an uncompressed file open.
        image = nib.MGHImage.from_bytes(gzip.decompress(content) if path.suffix == ".mgz" else content)
        return image.get_fdata(dtype=np.float32), np.asarray(image.affine, dtype=np.float64)
    return None


def read_dicom_series(folder: str | Path) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Read the one series of a folder.

    Args:
        folder: holds the files of one series and nothing else of DICOM.

    Returns:
        Voxels ``(X, Y, Z)``, and the affine from voxel indices to mm (RAS).

    Raises:
        ValueError: If the folder holds no series, or several.
        RuntimeError: If a file can't be read.
    """
    # Otherwise it warns on standard error of every folder without a series, in the midst of a progress bar.
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    reader = sitk.ImageSeriesReader()
    series = reader.GetGDCMSeriesIDs(str(folder))
    if len(series) != 1:
        raise ValueError(f"the folder holds {len(series)} DICOM series, expected one")
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder), series[0]))
    image = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return np.ascontiguousarray(sitk.GetArrayFromImage(image).T.astype(np.float32)), _LPS_TO_RAS @ affine


def read_npz_slice(path: str | Path) -> NDArray[np.float32]:
    """Read the array ``slice`` of a file of the original training code; of equal colour channels the first is kept.

    Args:
        path: of the file; nothing in it is unpickled.

    Returns:
        Pixels ``(X, Y)``.

    Raises:
        ValueError: If there is no such array, it is no slice, or its channels differ.
    """
    with np.load(path, allow_pickle=False) as content:
        if "slice" not in content.files:
            raise ValueError(f"it holds no array 'slice' but {', '.join(content.files) or 'nothing'}")
        values = content["slice"].astype(np.float32)
    if values.ndim == 3 and min(values.shape) <= 4:
        channels = np.moveaxis(values, int(np.argmin(values.shape)), 0)
        if (channels != channels[:1]).any():
            raise ValueError("the channels of its slice differ: it is no grey image")
        values = channels[0]
    if values.ndim != 2:
        raise ValueError(f"its slice has the shape {values.shape}")
    return np.ascontiguousarray(values)
