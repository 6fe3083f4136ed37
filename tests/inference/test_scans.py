from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from admoe_monai.errors import UserError
from admoe_monai.inference import ScanDataset, find_scans
from admoe_monai.transforms import LoadScan


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def names(folder: Path) -> list[str]:
    return [item["scan"] for item in find_scans(folder)]


def test_all_formats_are_found_at_any_depth_in_order(tmp_path: Path) -> None:
    touch(tmp_path, "z.nii", "a/b/c.nii.gz", "a/orig.mgz", "notes.txt", "a/scan.nii.gz.json")
    assert names(tmp_path) == ["a/b/c.nii.gz", "a/orig.mgz", "z.nii"]


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "a.nii", "._a.nii", ".cache/b.nii")
    assert names(tmp_path) == ["a.nii"]


def test_bids_dataset_gives_t1w_scans_of_subjects_alone(tmp_path: Path) -> None:
    scan = "sub-01/ses-M000/anat/sub-01_ses-M000_T1w.nii.gz"
    touch(
        tmp_path, "dataset_description.json", scan, "sub-01/ses-M000/anat/sub-01_ses-M000_T2w.nii.gz",
        "derivatives/fast/sub-01/sub-01_T1w.nii.gz",
    )  # fmt: skip
    assert names(tmp_path) == [scan]


@pytest.mark.parametrize(
    ("name", "subject", "session"),
    [
        ("sub-01/ses-M000/anat/sub-01_ses-M000_T1w.nii.gz", "sub-01", "ses-M000"),
        ("sub-A7_T1w.nii", "sub-A7", ""),
        ("scan.nii", "", ""),
        ("mysub-01.nii", "", ""),
    ],
)
def test_subject_and_session_are_read_from_the_path(tmp_path: Path, name: str, subject: str, session: str) -> None:
    (item,) = find_scans(touch(tmp_path, name))
    assert (item["subject_id"], item["session_id"]) == (subject, session)


def test_one_scan_is_a_folder_of_one(tmp_path: Path) -> None:
    touch(tmp_path, "a.nii.gz", "b.nii.gz")
    assert names(tmp_path / "a.nii.gz") == ["a.nii.gz"]


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/a.nii", "scans/b.nii")
    (tmp_path / "scans" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "scans" / "loop").symlink_to(tmp_path / "scans")
    assert names(tmp_path / "scans") == ["b.nii", "link/a.nii"]


@pytest.mark.parametrize("name", ["absent", "notes.md"])
def test_path_that_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "notes.md")
    with pytest.raises(UserError, match="no folder of scans, or list"):
        find_scans(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.txt", "# of Monday\nb.nii\n\nsub-01/a.nii\n"),
        ("list.csv", "subject,scan\n1,b.nii\n2,sub-01/a.nii\n"),
        ("list.tsv", "path\tage\nb.nii\t70\nsub-01/a.nii\t71\n"),
    ],
)
def test_a_list_is_taken_in_its_order_from_its_own_folder(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    first, second = find_scans(tmp_path / name)
    assert (first["scan"], first["image"]) == ("b.nii", str(tmp_path / "b.nii"))
    assert (second["subject_id"], second["image"]) == ("sub-01", str(tmp_path / "sub-01" / "a.nii"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
@pytest.mark.parametrize("name", ["list.txt", "list.csv"])
def test_a_list_may_be_in_any_encoding_that_a_table_may_be_in(tmp_path: Path, name: str, encoding: str) -> None:
    (tmp_path / name).write_text("scan\ncafé.nii\n", encoding=encoding, newline="\r\n")
    assert names(tmp_path / name)[-1] == "café.nii"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("list.txt", "# nothing\n", "names no scan"),
        ("list.txt", "a\0b", "can't be read: it is no text"),
        ("list.txt", "a.nii\na.nii\n", "names a.nii twice"),
        ("list.csv", "subject,file\n1,a.nii\n", "no column scan, image, path; it has subject, file"),
    ],
)
def test_a_list_that_can_not_be_used_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=message):
        find_scans(tmp_path / name)


def test_a_folder_of_dicom_files_is_one_scan(tmp_path: Path, write_dicom_series: Callable[..., Path]) -> None:
    volume = np.arange(4 * 5 * 3).reshape(4, 5, 3)
    series = write_dicom_series(tmp_path / "sub-02" / "t1", volume, (1.0, 1.0, 2.0))
    (series / "..a note").touch()
    touch(tmp_path, "sub-01/scan.nii", "sub-01/scan.dcm")
    found = find_scans(tmp_path)
    assert [(item["scan"], item["subject_id"]) for item in found] == [
        ("sub-01/scan.nii", "sub-01"),
        ("sub-02/t1", "sub-02"),
    ]
    assert [item["scan"] for item in find_scans(series)] == ["t1"]
    np.testing.assert_array_equal(LoadScan()(found[1]["image"])[0], volume)


def test_folder_without_scans_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no scan"):
        find_scans(touch(tmp_path, "notes.txt"))


def test_scan_that_fails_becomes_zeros_with_its_problem() -> None:
    def transform(item: dict[str, str]) -> dict[str, torch.Tensor]:
        if item["scan"] == "bad":
            try:
                raise UserError(f"scan {item['image']} is empty")
            except UserError as error:
                raise RuntimeError("applying transform") from error
        if item["scan"] == "worse":
            raise KeyError("qform")
        return {"image": torch.ones(1, 2, 2), "quality": {"flags": ["x"]}}

    data = [{"scan": name, "image": f"/somewhere/{name}"} for name in ("good", "bad", "worse")]
    good, bad, worse = (ScanDataset(data, transform, {"image": (1, 2, 2)})[i] for i in range(3))
    assert (good["problem"], good["quality"]) == ("", '{"flags": ["x"]}')
    assert torch.equal(good["image"], torch.ones(1, 2, 2))
    assert bad["problem"] == "scan bad is empty"
    assert torch.equal(bad["image"], torch.zeros(1, 2, 2))
    assert worse["problem"] == "cannot preprocess the scan: 'qform'"


def test_a_name_that_no_table_can_hold_is_a_problem_from_the_start(tmp_path: Path) -> None:
    good, bad = b"sub-01_T1w.nii", b"sub-02_caf\xe9.nii"
    for name in (good, bad):
        (tmp_path / os.fsdecode(name)).touch()
    first, second = find_scans(tmp_path)
    assert (second["scan"], Path(second["image"]).name) == ("sub-02_caf\\udce9.nii", os.fsdecode(bad))

    served = [ScanDataset([scan], lambda _: {"image": torch.ones(1)}, {"image": (1,)})[0] for scan in (first, second)]
    assert [item["problem"] for item in served] == ["", "its name is no UTF-8, which no table can hold: rename it"]
    assert served[1]["scan"].encode()


def test_what_a_reader_says_of_such_a_name_is_text(tmp_path: Path) -> None:
    def transform(item: dict[str, str]) -> dict[str, torch.Tensor]:
        raise UserError("file caf\udce9.dcm is cut short")

    item = ScanDataset([{"scan": "a", "image": "/a"}], transform, {"image": (1,)})[0]
    assert item["problem"] == "file caf\\udce9.dcm is cut short"
