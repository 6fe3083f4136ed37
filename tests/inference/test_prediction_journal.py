from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from admoe_monai.errors import UserError
from admoe_monai.inference import PredictionJournal


@pytest.fixture
def scans(tmp_path: Path) -> list[dict[str, Any]]:
    for name in "abc":
        (tmp_path / f"{name}.nii").write_text(name)
    return [{"scan": f"{n}.nii", "image": str(tmp_path / f"{n}.nii"), "prior": {"age": "70"}} for n in "abc"]


def names(journal: PredictionJournal) -> list[str]:
    return [scan["scan"] for scan in journal.pending()]


def test_what_was_added_is_finished_for_the_next_run(scans: list[dict[str, Any]], tmp_path: Path) -> None:
    journal = PredictionJournal(tmp_path / "j", scans, "model")
    assert names(journal) == ["a.nii", "b.nii", "c.nii"]
    journal.add([{"scan": "b.nii", "p": 0.5}])
    again = PredictionJournal(tmp_path / "j", scans, "model")
    assert names(again) == names(journal) == ["a.nii", "c.nii"]
    assert again.finished == {"b.nii": {"scan": "b.nii", "p": 0.5}}


def test_a_line_that_a_kill_cut_off_does_not_count_and_does_no_harm(
    scans: list[dict[str, Any]], tmp_path: Path
) -> None:
    PredictionJournal(tmp_path / "j", scans, "model").add([{"scan": "a.nii"}, {"scan": "b.nii"}])
    whole = (tmp_path / "j").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "j").write_bytes(whole[:length])
        journal = PredictionJournal(tmp_path / "j", scans, "model")
        # A whole line counts even before its line break is on disk.
        assert len(journal.finished) == whole[: length + 1].count(b"\n")
        journal.add([{"scan": "c.nii"}])
        assert "c.nii" in PredictionJournal(tmp_path / "j", scans, "model").finished
        assert len(PredictionJournal(tmp_path / "j", scans, "model").finished) == len(journal.finished)


@pytest.mark.parametrize("what", ["model", "contents", "prior"])
def test_a_prediction_of_something_else_does_not_count(scans: list[dict[str, Any]], tmp_path: Path, what: str) -> None:
    PredictionJournal(tmp_path / "j", scans, "model").add([{"scan": name["scan"]} for name in scans])
    if what == "contents":
        Path(scans[0]["image"]).write_text("longer than before")
    if what == "prior":
        scans[0]["prior"] = {"age": "71"}
    journal = PredictionJournal(tmp_path / "j", scans, "another" if what == "model" else "model")
    assert names(journal) == (["a.nii", "b.nii", "c.nii"] if what == "model" else ["a.nii"])


def test_a_file_of_a_series_that_changed_makes_it_another_scan(tmp_path: Path) -> None:
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "1").write_text("1")
    scans = [{"scan": "series", "image": str(tmp_path / "series")}]
    PredictionJournal(tmp_path / "j", scans, "model").add([{"scan": "series"}])
    assert names(PredictionJournal(tmp_path / "j", scans, "model")) == []
    os.utime(tmp_path / "series" / "1", (0, 0))
    assert names(PredictionJournal(tmp_path / "j", scans, "model")) == ["series"]


def test_a_journal_that_is_a_folder_is_refused(scans: list[dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "j").mkdir()
    with pytest.raises(UserError, match="another --output_dir"):
        PredictionJournal(tmp_path / "j", scans, "model")
