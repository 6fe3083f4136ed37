from __future__ import annotations

from pathlib import Path

import pytest
import torch

from admoe_monai.data import ScanDataset, find_scans
from admoe_monai.errors import UserError


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


@pytest.mark.parametrize("name", ["absent", "notes.txt"])
def test_path_that_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "notes.txt")
    with pytest.raises(UserError, match="no folder of scans"):
        find_scans(tmp_path / name)


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
        return {"image": torch.ones(1, 2, 2)}

    data = [{"scan": name, "image": f"/somewhere/{name}"} for name in ("good", "bad", "worse")]
    good, bad, worse = (ScanDataset(data, transform, {"image": (1, 2, 2)})[i] for i in range(3))
    assert good["problem"] == ""
    assert torch.equal(good["image"], torch.ones(1, 2, 2))
    assert bad["problem"] == "scan bad is empty"
    assert torch.equal(bad["image"], torch.zeros(1, 2, 2))
    assert worse["problem"] == "cannot preprocess the scan: 'qform'"
