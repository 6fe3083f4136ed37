"""A small file that claims to be a large one is refused before room is made for what it claims."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from admoe_monai.scan_files import ScanFileError, open_scan
from bounded_memory import bounded_memory
from scan_formats import write

MANY = "claims 30000 x 30000 x 30000 voxels, more than a scan of a head has"
SHORT = r"claims 600 x 600 x 600 voxels, more than its \d+ bytes can hold"


def zeros(size):
    """Gzip of so many zeros, in a thousandth of the room."""
    return gzip.compress(bytes(size), 9, mtime=0)


def header(shape, dtype=np.float64, **fields):
    head = nib.Nifti1Header()
    head.set_data_dtype(dtype)
    head.set_data_shape(shape)
    head["pixdim"][1:4] = 1
    head["magic"], head["vox_offset"], head["sform_code"] = b"n+1", 352, 1
    head["srow_x"][0] = head["srow_y"][1] = head["srow_z"][2] = 1
    for name, value in fields.items():
        head[name] = value
    return head.binaryblock + bytes(4)


def mgh(shape):
    image = nib.MGHImage(np.zeros((2, 2, 2), np.float32), np.eye(4))
    image.header["dims"][:3] = shape
    return image.header.binaryblock[:284]


def array(shape, dtype="<f8"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


def refused(path, message):
    with bounded_memory(), pytest.raises(ScanFileError, match=message):
        open_scan(path).voxels()


@pytest.mark.parametrize(("edge", "message"), [(30000, MANY), (600, SHORT)])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.nii", lambda shape: header(shape)),
        ("a.nii.gz", lambda shape: gzip.compress(header(shape))),
        ("a.mgh", mgh),
        ("a.mgz", lambda shape: gzip.compress(mgh(shape))),
    ],
)
def test_a_header_that_claims_too_much_is_refused(tmp_path, name, content, edge, message):
    (tmp_path / name).write_bytes(content((edge,) * 3))
    refused(tmp_path / name, message)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.nii.gz",
            gzip.compress(header((2, 2, 2), vox_offset=1.2e9)[:-4] + b"\1\0\0\0"),
            "header of more than 16 MiB",
        ),
        ("a.nii.gz", zeros(300 << 20), "is unreadable"),
        ("a.mgz", gzip.compress(mgh((4, 4, 4)), 9) + zeros(300 << 20), "is empty"),
    ],
    ids=["offset", "zeros", "tags"],
)
def test_zeros_that_are_compressed_stay_so(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, message)


def test_a_compressed_header_with_more_beside_it_than_any_is_refused(tmp_path):
    (tmp_path / "a.img.gz").write_bytes(gzip.compress(bytes(100)))
    (tmp_path / "a.hdr.gz").write_bytes(gzip.compress(header((2, 2, 2), magic=b"ni1")) + zeros(300 << 20))
    refused(tmp_path / "a.img.gz", "header of more than 16 MiB")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (array((30000, 30000, 3)), "claims 30000 x 30000 x 3 voxels, more than a scan"),
        (array((4000, 4000)), r"claims 4000 x 4000 voxels, more than its \d+ bytes"),
        (array((2, 2), "<U100000000"), "holds <U100000000, no numbers"),
    ],
)
def test_an_array_that_claims_too_much_is_refused(tmp_path, content, message):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("slice.npy", content)
    refused(tmp_path / "a.npz", message)


def test_a_dicom_file_of_more_frames_than_it_can_hold_is_refused(tmp_path):
    path = write("dicom", tmp_path) / "003.dcm"
    file = pydicom.dcmread(path)
    file.NumberOfFrames = 2_000_000_000
    file.save_as(tmp_path / "many.dcm")
    refused(tmp_path / "many.dcm", "claims 24 x 22 x 2000000000 voxels, more than a scan")
    file.NumberOfFrames, file.Rows, file.Columns = 60_000, 40, 40
    file.save_as(tmp_path / "many.dcm")
    refused(tmp_path / "many.dcm", "voxels")


def test_a_dicom_file_that_is_compressed_as_a_whole_is_refused(tmp_path):
    path = write("dicom", tmp_path) / "003.dcm"
    file = pydicom.dcmread(path)
    file.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    file.save_as(tmp_path / "flat.dcm")
    packed = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = packed.compress(bytes(1 << 30)) + packed.flush()
    content = (tmp_path / "flat.dcm").read_bytes()
    (tmp_path / "flat.dcm").write_bytes(content[:400] + bomb)
    refused(tmp_path / "flat.dcm", "compressed as a whole")
