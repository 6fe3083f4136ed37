"""Looks at the test split are counted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from admoe_monai.run_files import TEST_LOOKS
from admoe_monai.workflows.finished.evaluation import evaluate_run
from admoe_monai.workflows.finished.looks import Look, in_words, looks_at, record_look
from admoe_monai.workflows.finished.report import write_report


def look(checkpoint: str = "best_model.pth", epoch: int = 3) -> Look:
    return Look("2026-01-05T11:40:00+00:00", "evaluate", checkpoint, str(epoch), "0123")


def test_each_look_at_the_test_split_is_recorded_and_none_at_validation(tiny_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(tiny_run, run)
    (run / TEST_LOOKS).unlink(missing_ok=True)
    evaluate_run(run, split="validation", device="cpu")
    assert looks_at(run) == []
    evaluate_run(run, device="cpu")
    page = write_report(run, device="cpu")
    assert "looked at once, of one model" in page.read_text()
    evaluate_run(run, "finetune_checkpoint.pth", device="cpu")
    assert [(entry.by, entry.checkpoint) for entry in looks_at(run)] == [
        ("evaluate", "best_model.pth"),
        ("report", "best_model.pth"),
        ("evaluate", "finetune_checkpoint.pth"),
    ]
    assert len({entry.datalist for entry in looks_at(run)}) == 1


def test_a_choice_among_tested_models_is_told() -> None:
    assert in_words([]) == "No look at the test split is recorded before this page."
    assert "3 times, first on 2026-01-05, of one model (" in in_words([look()] * 3)
    assert "2 times" in in_words([look(), look("last.pth", 5)])
    assert "of 2 models of this run: whoever took the best" in in_words([look(), look("last.pth", 5)])


def test_a_damaged_record_and_a_folder_that_takes_no_file_stop_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / TEST_LOOKS).write_bytes(b"\xff\xfe time,by\n")
    assert looks_at(tmp_path) == []
    (tmp_path / TEST_LOOKS).unlink()
    (tmp_path / TEST_LOOKS).mkdir()
    record_look(tmp_path, "evaluate", "best_model.pth", 3, "0123")
    assert "this look at the test split is not recorded" in caplog.text
