"""Looks at the test split are counted."""

from __future__ import annotations

import shutil
from dataclasses import replace
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


def said(*looks: Look) -> str:
    return in_words(looks, "0123", pretrain_epochs=2)


def test_a_choice_among_tested_models_is_told() -> None:
    assert said() == "No look at the test split is recorded before this page."
    assert "3 times, first on 2026-01-05, of one model (" in said(*[look()] * 3)
    assert "2 times" in said(look(), look("last.pth", 5))
    assert "of 2 models of this run: whoever took the best" in said(look(), look("last.pth", 5))


def test_who_looked_at_other_people_at_reconstructions_or_by_another_name_has_not_chosen() -> None:
    others = replace(look("last.pth", 5), datalist="4567")
    reconstructions = look("pretrain_checkpoint.pth", 1), look("checkpoint_epoch_0.pth", 0)
    assert "looked at once, of one model (" in said(others, *reconstructions, look())
    assert said(others, *reconstructions) == "No look at the test split is recorded before this page."
    assert "2 times, first on 2026-01-05, of one model (" in said(look(), look("finetune_checkpoint.pth", 3))


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"\xff\xfe\n", b'"', b"\0\n", b"time,by\n", b"a,b,c,d,e\n"])
def test_a_damaged_record_keeps_its_looks_and_takes_further_ones(
    damage: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for epoch in (3, 4, 5):
        record_look(tmp_path, "evaluate", "last, or best.pth", epoch, "0123")
    path = tmp_path / TEST_LOOKS
    before = path.read_bytes() + damage
    path.write_bytes(before)
    record_look(tmp_path, "report", "best_model.pth", 6, "0123")
    assert path.read_bytes().startswith(before)
    assert [entry.epoch for entry in looks_at(tmp_path)] == ["3", "4", "5", "6"]
    assert looks_at(tmp_path)[0].checkpoint == "last, or best.pth"
    assert ("whose looks are not counted: 1" in caplog.text) == (damage != b"\0\n")


def test_a_damaged_record_and_a_folder_that_takes_no_file_stop_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / TEST_LOOKS).write_bytes(b"\xff\xfe time,by\n")
    assert looks_at(tmp_path) == []
    (tmp_path / TEST_LOOKS).unlink()
    (tmp_path / TEST_LOOKS).mkdir()
    record_look(tmp_path, "evaluate", "best_model.pth", 3, "0123")
    assert "this look at the test split is not recorded" in caplog.text
