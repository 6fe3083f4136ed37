"""Where the slices of a DICOM series lie is read from each of them and never made up."""

from __future__ import annotations

import re

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813 - its customary name
from pydicom.dataset import FileMetaDataset
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from admoe_monai.scan_files import ScanFileError, open_scan

OBLIQUE = (0.8, 0.6, 0.0, 0.0, 0.0, -1.0)


def volume(shape=(12, 9, 8)):
    return np.random.default_rng(0).integers(0, 500, shape).astype(np.uint16)


def pixels(header, array):
    header.Rows, header.Columns = array.shape[-2:]
    header.BitsAllocated = header.BitsStored = 16
    header.HighBit, header.PixelRepresentation, header.SamplesPerPixel = 15, 0, 1
    header.PhotometricInterpretation = "MONOCHROME2"
    header.PixelData = array.astype("<u2").tobytes()


def new_header(kind):
    header = pydicom.Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID = kind
    header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID = generate_uid()
    header.Modality, header.SeriesInstanceUID, header.StudyInstanceUID = "MR", "1.2.3", "1.2"
    return header


def positions(count, step=2.0, orientation=OBLIQUE):
    normal = np.cross(orientation[:3], orientation[3:])
    return np.array([5.0, -7.0, 11.0]) + np.outer(np.arange(count) * step, normal)


def write_series(folder, voxels, places=None, numbers=None, orientation=OBLIQUE, **elements):
    """Write one file per slice, named in another order than they lie in."""
    folder.mkdir(parents=True)
    places = positions(voxels.shape[2], orientation=orientation) if places is None else places
    for at, place in enumerate(places):
        header = new_header(MRImageStorage)
        header.ImagePositionPatient = [f"{mm:.6f}" for mm in place]
        header.ImageOrientationPatient = list(orientation)
        header.PixelSpacing = [1.5, 1.25]
        header.InstanceNumber = (numbers or range(1, len(places) + 1))[at]
        for name, value in elements.items():
            setattr(header, name, value)
        pixels(header, voxels[:, :, at % voxels.shape[2]].T)
        header.save_as(folder / f"{(5 * at) % 17:02}-{at}.dcm", enforce_file_format=True)
    return folder


def change(folder, pattern, edit):
    (path,) = folder.glob(pattern)
    header = pydicom.dcmread(path)
    edit(header)
    header.save_as(path)


def expected_affine():
    affine = np.eye(4)
    normal = np.cross(OBLIQUE[:3], OBLIQUE[3:])
    affine[:3, :3] = np.column_stack([np.multiply(OBLIQUE[:3], 1.25), np.multiply(OBLIQUE[3:], 1.5), 2 * normal])
    affine[:3, 3] = 5.0, -7.0, 11.0
    return np.diag([-1.0, -1, 1, 1]) @ affine


def test_a_series_is_a_volume_in_the_order_in_which_its_slices_lie(tmp_path):
    scan = open_scan(write_series(tmp_path / "s", volume()))

    assert np.array_equal(scan.voxels(), volume())
    assert np.allclose(scan.affine, expected_affine(), atol=1e-5)
    assert scan.spacing == pytest.approx((1.25, 1.5, 2.0))


def test_the_affine_is_that_of_itk(tmp_path):
    folder = write_series(tmp_path / "s", volume())
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    corner = (11, 8, 7)
    lps = image.TransformIndexToPhysicalPoint(corner)

    assert (open_scan(folder).affine @ [*corner, 1])[:3] == pytest.approx([-lps[0], -lps[1], lps[2]], abs=1e-3)


def test_a_file_of_several_frames_is_a_volume_whatever_their_order(tmp_path):
    header, voxels = new_header(EnhancedMRImageStorage), volume()
    order = [3, 0, 1, 2, 7, 6, 5, 4]
    pixels(header, voxels.transpose(2, 1, 0)[order])
    header.NumberOfFrames = len(order)
    shared, plane, measures = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
    plane.ImageOrientationPatient, measures.PixelSpacing = list(OBLIQUE), [1.5, 1.25]
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [plane], [measures]
    header.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for place in positions(len(order))[order]:
        frame, position = pydicom.Dataset(), pydicom.Dataset()
        position.ImagePositionPatient = [f"{mm:.6f}" for mm in place]
        frame.PlanePositionSequence = [position]
        frames.append(frame)
    header.PerFrameFunctionalGroupsSequence = frames
    header.save_as(tmp_path / "one.dcm", enforce_file_format=True)
    scan = open_scan(tmp_path / "one.dcm")

    assert np.array_equal(scan.voxels(), voxels)
    assert np.allclose(scan.affine, expected_affine(), atol=1e-5)
    del header.PerFrameFunctionalGroupsSequence[2]
    header.save_as(tmp_path / "less.dcm", enforce_file_format=True)
    with pytest.raises(ScanFileError, match="1 of 8 slices without ImagePositionPatient"):
        open_scan(tmp_path / "less.dcm")


def remove(folder, *patterns):
    for pattern in patterns:
        for path in folder.glob(pattern):
            path.unlink()


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        (["*-3.dcm"], r"lacks 1 slices in 1 places \(4.00 mm between 10-2.dcm and 03-4.dcm at .* elsewhere 2 mm\)"),
        (["*-1.dcm", "*-4.dcm", "*-5.dcm"], r"lacks 3 slices in 2 places"),
        (["*-[1357].dcm"], r"lacks slices: 4 slices lie 4 mm apart, the header says 2 mm"),
    ],
)
def test_missing_slices_are_counted_with_their_place(tmp_path, gone, message):
    folder = write_series(tmp_path / "s", volume(), SpacingBetweenSlices=2.0)
    remove(folder, *gone)

    with pytest.raises(ScanFileError, match=message):
        open_scan(folder)


def test_slices_missing_at_an_end_leave_a_sound_volume_and_gaps_in_the_numbers_a_note(tmp_path):
    ends = write_series(tmp_path / "ends", volume())
    remove(ends, "*-0.dcm", "*-7.dcm")
    odd = write_series(tmp_path / "odd", volume(), numbers=[1, 3, 5, 7, 9, 11, 13, 15])

    assert open_scan(ends).notes == ()
    assert open_scan(ends).shape == (12, 9, 6)
    assert open_scan(odd).notes[0].detail == "7 numbers between 1 and 15"


def test_a_slice_that_is_there_twice_is_named(tmp_path):
    places = positions(8)
    places[4] = places[3]
    folder = write_series(tmp_path / "s", volume(), places)

    with pytest.raises(ScanFileError, match=r"has 1 slices at the place of another \(03-4.dcm and 15-3.dcm at"):
        open_scan(folder)


def test_a_series_scanned_twice_over_is_refused(tmp_path):
    folder = write_series(tmp_path / "s", volume(), np.concatenate([positions(8)] * 2))

    with pytest.raises(ScanFileError, match=r"has 8 slices at the place of another .* and 5 more"):
        open_scan(folder)


def test_uneven_distances_are_refused_and_rounded_ones_are_not(tmp_path):
    uneven, rounded = positions(8), positions(8).round(2)
    uneven[5:] += 0.7 * (uneven[1] - uneven[0])

    with pytest.raises(ScanFileError, match=r"uneven distances in 1 places \(3.40 mm between .* elsewhere 2 mm"):
        open_scan(write_series(tmp_path / "uneven", volume(), uneven))
    assert open_scan(write_series(tmp_path / "rounded", volume(), rounded)).spacing[2] == pytest.approx(2.0, abs=0.01)


def test_a_tilted_gantry_is_refused(tmp_path):
    tilted = positions(8) + np.outer(np.arange(8), OBLIQUE[3:])

    with pytest.raises(ScanFileError, match=r"shifted sideways, by up to 7.00 mm"):
        open_scan(write_series(tmp_path / "s", volume(), tilted))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ImageOrientationPatient", [1, 0, 0, 0, 1, 0], r"another orientation than the rest: 1 of 8 \(08-5.dcm\)"),
        ("PixelSpacing", [2.0, 2.0], "another pixel size than the rest: 1 of 8"),
        (
            "ImagePositionPatient",
            None,
            r"1 of 8 slices without ImagePositionPatient \(08-5.dcm\): where they lie is unknown",
        ),
        ("ImageOrientationPatient", None, "1 of 8 slices without ImageOrientationPatient"),
        ("PixelSpacing", None, "1 of 8 slices without PixelSpacing"),
        ("SamplesPerPixel", 3, "holds colours"),
        ("SeriesInstanceUID", "1.2.4", "holds 2 DICOM series, expected one"),
    ],
)
def test_a_slice_unlike_the_others_is_named(tmp_path, name, value, message):
    folder = write_series(tmp_path / "s", volume())
    change(folder, "*-5.dcm", lambda header: delattr(header, name) if value is None else setattr(header, name, value))

    with pytest.raises(ScanFileError, match=message):
        open_scan(folder)


def test_other_files_beside_a_series_are_no_matter(tmp_path):
    folder = write_series(tmp_path / "s", volume())
    (folder / "README.txt").write_text("scanned on a Monday")
    (folder / ".DS_Store").write_bytes(b"\0" * 200)

    assert open_scan(folder).shape == (12, 9, 8)


def test_a_folder_without_dicom_is_said(tmp_path):
    (tmp_path / "s").mkdir()
    with pytest.raises(ScanFileError, match=re.escape("is a folder that holds 0 DICOM series, expected one")):
        open_scan(tmp_path / "s")


def test_a_series_and_the_nifti_file_made_of_it_are_one_scan(tmp_path):
    scan = open_scan(write_series(tmp_path / "s", volume()))
    nib.save(nib.Nifti1Image(volume(), scan.affine), tmp_path / "scan.nii.gz")
    same = open_scan(tmp_path / "scan.nii.gz")

    assert np.array_equal(scan.voxels(), same.voxels())
    assert np.allclose(scan.affine, same.affine, atol=1e-4)
