"""metrics.csv and digests.csv that a spreadsheet has saved: read as they were meant, or refused at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from admoe_monai.errors import UserError
from tiny_runs import make_run


@pytest.fixture
def stopped(run: Path) -> Path:
    """A run that stopped after its first epoch, which has written one of its second as well."""
    for name in ("checkpoint_epoch_1.pth", "finetune_checkpoint.pth", "best_model.pth", "final_model.pth"):
        (run / name).unlink()
    return run


def test_a_run_goes_on_with_a_mark_in_front_and_blank_lines(
    stopped: Path, each_run: Path, each_cohort: dict[str, Any]
) -> None:
    for name in ("metrics.csv", "digests.csv"):
        content = (stopped / name).read_bytes()
        (stopped / name).write_bytes(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n") + b"\r\n")
    make_run(stopped, **each_cohort, resume="auto")
    for name in ("metrics.csv", "digests.csv"):
        assert (stopped / name).read_bytes() == (each_run / name).read_bytes()


@pytest.mark.parametrize("name", ["metrics.csv", "digests.csv"])
def test_another_separator_is_refused_before_anything_is_written(
    name: str, stopped: Path, each_cohort: dict[str, Any], tmp_path: Path
) -> None:
    (stopped / name).write_text((stopped / name).read_text().replace(",", ";"))
    before = {path.name: path.read_bytes() for path in stopped.iterdir() if path.is_file()}
    said = rf"{name}, line 2: not the row of an epoch; put the file back as the run wrote it, or out of the folder"
    with pytest.raises(UserError, match=said):
        make_run(stopped, **each_cohort, resume="auto")
    with pytest.raises(UserError, match=said):
        make_run(tmp_path / "new", **each_cohort, resume=str(stopped / "checkpoint_epoch_0.pth"))
    assert {path.name: path.read_bytes() for path in stopped.iterdir() if path.is_file()} == before
    assert not (tmp_path / "new").exists()


def test_what_lies_in_the_folder_of_a_new_run_is_looked_at_too(each_cohort: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "metrics.csv").write_text("epoch;phase\n0;pretrain\n")
    with pytest.raises(UserError, match=r"metrics.csv, line 2: not the row of an epoch"):
        make_run(tmp_path / "new", **each_cohort)
