"""Shares of a cohort with a scan that can't be processed: it is finished too, and the last share decides about it."""

from __future__ import annotations

from pathlib import Path

import pytest
from preprocessed import run, table

from admoe_monai.data import load_datalist
from admoe_monai.errors import UserError
from admoe_monai.workflows.preprocessing import preprocess
from admoe_monai.workflows.preprocessing.cohort import Choices
from synthetic_heads import on_grid_scan, write_scan

DROP = Choices(drop_failed=True)


@pytest.fixture
def broken(cohort: Path) -> Path:
    """The scan of b, which is in the second of two shares."""
    scan = cohort.parent / "b_T1w.nii.gz"
    scan.write_bytes(b"")
    return scan


def subjects(datalist: Path | None) -> list[str]:
    assert datalist is not None
    return [visit["subject_id"] for visits in load_datalist(datalist).splits.values() for visit in visits]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
@pytest.mark.usefixtures("broken")
def test_the_last_share_goes_on_without_what_failed_in_any(
    order: tuple[int, int], cohort: Path, tmp_path: Path
) -> None:
    first, last = order
    assert run(cohort, tmp_path / "out", share=(first, 2), choices=DROP) is None
    assert subjects(run(cohort, tmp_path / "out", share=(last, 2), choices=DROP)) == ["a", "c", "d"]
    assert [row["scan"] for row in table(tmp_path / "out" / "errors.tsv")] == ["b_T1w.nii.gz"]


@pytest.mark.usefixtures("broken")
def test_without_the_choice_the_failing_share_and_the_last_one_say_so(cohort: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^1 of 2 scans of share 2 of 2 failed, .*--drop_failed$"):
        run(cohort, tmp_path / "out", share=(2, 2))
    with pytest.raises(UserError, match=r"^1 of 4 scans could not be processed, .*errors.tsv says why.*--drop_failed$"):
        run(cohort, tmp_path / "out", share=(1, 2))
    assert [row["scan"] for row in table(tmp_path / "out" / "errors.tsv")] == ["b_T1w.nii.gz"]
    assert "b_T1w.nii.gz" in (tmp_path / "out" / "quality.html").read_text()
    assert subjects(run(cohort, tmp_path / "out", share=(1, 2), choices=DROP)) == ["a", "c", "d"]


def test_a_scan_that_was_mended_is_waited_for_and_leaves_no_note(broken: Path, cohort: Path, tmp_path: Path) -> None:
    run(cohort, tmp_path / "out", share=(2, 2), choices=DROP)
    write_scan(broken, on_grid_scan(seed=9))
    assert run(cohort, tmp_path / "out", share=(1, 2), choices=DROP) is None
    assert subjects(run(cohort, tmp_path / "out", share=(2, 2))) == ["a", "b", "c", "d"]
    assert not list((tmp_path / "out").rglob("*.failed.json"))


@pytest.mark.usefixtures("broken")
def test_a_note_of_a_share_that_tries_again_does_not_count(
    cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    run(cohort, tmp_path / "out", share=(2, 2), choices=DROP)
    with monkeypatch.context() as patch:
        patch.setattr(preprocess, "preprocess_scans", stopped)
        with pytest.raises(KeyboardInterrupt):
            run(cohort, tmp_path / "out", share=(2, 2), choices=DROP)
    assert run(cohort, tmp_path / "out", share=(1, 2), choices=DROP) is None
