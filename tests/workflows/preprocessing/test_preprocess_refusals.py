"""What `admoe preprocess` refuses before it computes anything."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from preprocessed import run

from admoe_monai.data import load_datalist, save_datalist
from admoe_monai.errors import UserError
from admoe_monai.workflows.preprocessing.preprocess import preprocess


def test_two_visits_that_would_share_a_folder_are_refused(cohort: Path, tmp_path: Path) -> None:
    datalist = load_datalist(cohort)
    datalist.splits["training"][0]["subject_id"] = "x y"
    datalist.splits["training"][1]["subject_id"] = "x/y"
    save_datalist(cohort, datalist)
    with pytest.raises(UserError, match="two visits would share the folder"):
        run(cohort, tmp_path / "out")


@pytest.mark.parametrize(("subject", "shown"), [("..", "'..'"), ("/", "'/'")])
def test_a_name_that_would_leave_the_folder_is_refused(subject: str, shown: str, cohort: Path, tmp_path: Path) -> None:
    datalist = load_datalist(cohort)
    datalist.splits["training"][0]["subject_id"] = subject
    save_datalist(cohort, datalist)
    if subject == "..":
        with pytest.raises(UserError, match=f"subject_id {shown} can't be the name of a folder"):
            run(cohort, tmp_path / "out")
    else:
        run(cohort, tmp_path / "out")
        assert (tmp_path / "out" / "-" / "1").is_dir()


def test_another_spacing_wants_another_folder(cohort: Path, tmp_path: Path) -> None:
    run(cohort, tmp_path / "out")
    with pytest.raises(UserError, match=r"holds scans of 3 mm, not 2 mm; name another folder"):
        preprocess(cohort, tmp_path / "out", spacing_mm=2.0)


def test_a_datalist_of_another_origin_is_not_overwritten(cohort: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    shutil.copy(cohort, tmp_path / "out")
    with pytest.raises(UserError, match="is not a datalist of preprocessed scans"):
        run(cohort, tmp_path / "out")


def test_the_folder_of_the_datalist_itself_is_refused(cohort: Path) -> None:
    with pytest.raises(UserError, match="holds the datalist itself"):
        run(cohort, cohort.parent)


def test_an_impossible_spacing_is_named(cohort: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--spacing: .*divide 12 mm into whole voxels.*got 0.7"):
        preprocess(cohort, tmp_path / "out", spacing_mm=0.7)
