"""One volume in every format, and what reads it."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import SimpleITK as sitk  # noqa: N813 - its customary name
from numpy.typing import NDArray
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

SHAPE, EDGES = (24, 22, 23), (4.0, 5.0, 4.5)
#: Voxels of LAS, which is what Analyze is taken for.
AFFINE = np.array([[-4.0, 0, 0, 46], [0, 5, 0, -52.5], [0, 0, 4.5, -49.5], [0, 0, 0, 1]])
FORMATS = (
    "nifti1", "nifti1_gz", "nifti2", "pair", "pair_gz", "analyze", "mgh", "mgz", "nrrd", "nhdr", "dicom", "big_endian",
    "one_of_4d", "slope", "uint64", "float64",
)  # fmt: skip
#: Formats that don't say where the scan lies; their axes are those of the others.
PLACELESS = ("analyze",)


def head(seed: int = 0) -> NDArray[np.int16]:
    """A bright ellipse with a dark one inside, in whole numbers that every format can hold."""
    random = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.linspace(-1, 1, length) for length in SHAPE), indexing="ij")
    radius = np.sqrt(sum((axis / size) ** 2 for axis, size in zip(axes, random.uniform(0.7, 0.85, 3), strict=True)))
    values = 200.0 * (radius < 1) - 120.0 * (radius < random.uniform(0.2, 0.5)) + random.normal(0, 6, SHAPE)
    return values.clip(0, 400).round().astype(np.int16)


def write(form: str, folder: Path, seed: int = 0) -> Path:
    """Write the head in a format; the same voxels in all of them.

    Args:
        form: one of `FORMATS`.
        folder: is made; `T1w` begins the name of the file.
        seed: another one, another head.

    Returns:
        The scan.
    """
    folder.mkdir(parents=True, exist_ok=True)
    values, stem = head(seed), folder / "T1w"
    if form == "dicom":
        return _dicom(values, folder / "T1w")
    if form in ("nrrd", "nhdr"):
        image = sitk.GetImageFromArray(values.transpose(2, 1, 0))
        image.SetSpacing(EDGES)
        image.SetDirection([1, 0, 0, 0, -1, 0, 0, 0, 1])
        image.SetOrigin([-46, 52.5, -49.5])
        sitk.WriteImage(image, f"{stem}.{form}")
        return Path(f"{stem}.{form}")
    images = {
        "nifti2": (nib.Nifti2Image, values, ".nii"),
        "pair": (nib.Nifti1Pair, values, ".img"),
        "pair_gz": (nib.Nifti1Pair, values, ".img.gz"),
        "analyze": (nib.AnalyzeImage, values, ".img"),
        "mgh": (nib.MGHImage, values.astype(np.int32), ".mgh"),
        "mgz": (nib.MGHImage, values.astype(np.int32), ".mgz"),
        "one_of_4d": (nib.Nifti1Image, values[..., None], ".nii.gz"),
        "uint64": (nib.Nifti1Image, values.astype(np.uint64), ".nii.gz"),
        "float64": (nib.Nifti1Image, values.astype(np.float64), ".nii.gz"),
    }
    kind, stored, suffix = images.get(form, (nib.Nifti1Image, values, ".nii" if form != "nifti1_gz" else ".nii.gz"))
    path = Path(f"{stem}{suffix}")
    if form == "mgz":
        path.write_bytes(gzip.compress(kind(stored, AFFINE).to_bytes(), mtime=0))
        return path
    image = kind(stored, AFFINE, dtype=stored.dtype) if form == "uint64" else kind(stored, AFFINE)
    if form == "big_endian":
        header = nib.Nifti1Header(endianness=">")
        header.set_data_dtype(np.int16)
        image = kind(values, AFFINE, header)
    if form == "slope":
        # nibabel takes the array for what is stored once the header has a slope.
        image = kind((values * 2 + 20).astype(np.int16), AFFINE)
        image.header.set_slope_inter(0.5, -10)
    if form == "analyze":
        image = kind(values, None)
        image.header.set_zooms(EDGES)
    nib.save(image, path)
    return path


def _dicom(values: NDArray[np.int16], folder: Path) -> Path:
    folder.mkdir()
    for at in range(SHAPE[2]):
        header = pydicom.Dataset()
        header.file_meta = FileMetaDataset()
        header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID = MRImageStorage
        header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID = generate_uid()
        header.Modality, header.SeriesInstanceUID, header.StudyInstanceUID = "MR", "1.2.3", "1.2"
        header.ImagePositionPatient, header.ImageOrientationPatient = [-46, 52.5, -49.5 + 4.5 * at], [1, 0, 0, 0, -1, 0]
        header.PixelSpacing, header.InstanceNumber = [EDGES[1], EDGES[0]], at + 1
        header.Rows, header.Columns = SHAPE[1], SHAPE[0]
        header.BitsAllocated = header.BitsStored = 16
        header.HighBit, header.PixelRepresentation, header.SamplesPerPixel = 15, 1, 1
        header.PhotometricInterpretation = "MONOCHROME2"
        header.PixelData = values[:, :, at].T.tobytes()
        header.save_as(folder / f"{at:03}.dcm", enforce_file_format=True)
    return folder
