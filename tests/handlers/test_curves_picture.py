"""Picture of the run so far, and that a run does without it where it can't be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from admoe_monai.handlers import CurvesPicture, Epoch
from tiny_runs import make_run

EPOCH = Epoch("finetune", 0, 1, {"lr": 0.5})


def test_the_picture_is_of_the_table_as_it_is(tmp_path: Path) -> None:
    table, picture = tmp_path / "metrics.csv", tmp_path / "curves.png"
    tracker = CurvesPicture(picture, table, Path.read_bytes)
    for content in (b"a row", b"a row and another"):
        table.write_bytes(content)
        tracker(EPOCH)
        assert picture.read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.png", "metrics.csv"]


def test_a_picture_that_fails_is_told_once_and_the_last_one_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def draw(path: Path) -> bytes:
        raise MemoryError("no room to draw")

    (tmp_path / "curves.png").write_bytes(b"of the epoch before")
    tracker = CurvesPicture(tmp_path / "curves.png", tmp_path / "metrics.csv", draw)
    tracker(EPOCH)
    tracker(EPOCH)
    (message,) = caplog.messages
    assert "the run goes on without it" in message
    assert "no room to draw" in message
    assert (tmp_path / "curves.png").read_bytes() == b"of the epoch before"


def test_a_run_ends_though_its_picture_can_not_be_drawn(
    tiny_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("admoe_monai.evaluation.run_pictures.curves_png", lambda *_: 1 / 0)
    run = make_run(tmp_path / "run", tiny_cohort)
    assert (run / "final_model.pth").exists()
    assert not (run / "curves.png").exists()
    log = (run / "training.log").read_text()
    assert "curves.png can't be drawn" in log
    assert "Traceback" not in log
