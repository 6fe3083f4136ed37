"""The pictures of `admoe explain` in a report: means over enough people, and the sentence on what they are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from admoe_monai.evaluation.pages.report_page import Section, report_page
from admoe_monai.explanation.pictures import map_figure
from admoe_monai.workflows.finished.report.maps import add_maps, maps_in_words

ABOUT: dict[str, Any] = {
    "split": "test", "checkpoint": "best_model.pth", "epoch": 5, "task": "diagnosis", "towards": "AD", "against": "CN",
    "space": "MNI152", "people": {"CN": 6, "AD": 5}, "units": {"smoothgrad": "logits per SD of intensity"},
}  # fmt: skip


def section_of(folder: Path, **changes: Any) -> Section:
    (folder / "explanation" / "scans").mkdir(parents=True)
    (folder / "explanation" / "explanation.json").write_text(json.dumps({**ABOUT, **changes}))
    figure = map_figure({"all": np.eye(8)}, np.eye(8), np.eye(4), "logits")
    for name in ("smoothgrad.png", "smoothgrad_over_untrained.png", "scans/smoothgrad_sub-1_ses-1.png"):
        figure.savefig(folder / "explanation" / name)
    section = Section("Pictures")
    add_maps(section, folder, epoch=5)
    return section


def test_means_are_shown_with_what_they_are_of_and_what_they_are_not(tmp_path: Path) -> None:
    section = section_of(tmp_path)
    page = report_page("A report", [], [], [section])
    assert page.count("data:image/png;base64,") == 2
    assert "Where the network looks: AD against CN" in page
    assert "Means over 11 people of the test split (6 CN, 5 AD)" in page
    assert "no map is a proof of biology" in page
    assert "a brighter voxel would move the network towards AD where it is red, towards CN where blue" in page


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"people": {"CN": 4, "AD": 5}}, "the mean of 9 people would show single scans"),
        ({"space": None}, "the scans share no space"),
        ({"epoch": 4}, "it is of best_model.pth of epoch 4"),
        ({"checkpoint": "final_model.pth"}, "it is of final_model.pth of epoch 5"),
    ],
)
def test_what_cannot_be_shown_is_told(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    page = report_page("A report", [], [], [section_of(tmp_path, **changes)])
    assert reason in page
    assert "data:image/png" not in page


def test_a_run_without_maps_has_no_heading(tmp_path: Path) -> None:
    section = Section("Pictures")
    add_maps(section, tmp_path, epoch=5)
    assert section.blocks == []


@pytest.mark.parametrize("content", ['{"towards": "AD"}', "[]", "[", "7", json.dumps({**ABOUT, "people": [1]})])
def test_maps_of_another_version_are_none(content: str, tmp_path: Path) -> None:
    (tmp_path / "explanation").mkdir()
    (tmp_path / "explanation" / "explanation.json").write_text(content)
    section = Section("Pictures")
    add_maps(section, tmp_path, epoch=5)
    assert section.blocks == []
    assert maps_in_words(tmp_path, epoch=5) is None


def test_a_method_that_this_version_does_not_know_is_left_out(tmp_path: Path) -> None:
    section = section_of(tmp_path, units={"gradcam": "logits", **ABOUT["units"]})
    assert report_page("A report", [], [], [section]).count("data:image/png;base64,") == 2


def test_a_checklist_is_told_of_the_maps_of_this_model_alone(tmp_path: Path) -> None:
    section_of(tmp_path)
    said = "maps by smoothgrad, AD against CN, of 11 people of the test split"
    assert maps_in_words(tmp_path, epoch=5) == f"{said} (section Pictures)"
    assert maps_in_words(tmp_path, epoch=6) is None
    section_of(tmp_path / "few", people={"CN": 2, "AD": 1})
    assert str(maps_in_words(tmp_path / "few", epoch=5)).endswith("(the mean of 3 people would show single scans)")
