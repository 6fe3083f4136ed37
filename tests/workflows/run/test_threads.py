"""A run computes with the threads that it is granted or told, and a resume with those that the run had."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from admoe_monai.checkpoints import IncompatibleCheckpointError, read_checkpoint, write_checkpoint
from admoe_monai.errors import UserError
from tiny_runs import make_run

LAST = "checkpoint_epoch_0.pth"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def of_two(tiny_run: Path, tmp_path: Path) -> Path:
    """The folder of a run of two threads after its pretraining."""
    checkpoint = read_checkpoint(tiny_run / LAST)
    checkpoint["environment"] = {**checkpoint["environment"], "threads": 2}
    (tmp_path / "run").mkdir()
    write_checkpoint(tmp_path / "run" / LAST, checkpoint)
    return tmp_path / "run"


def recorded(folder: Path, name: str = "final_model.pth") -> int:
    return int(read_checkpoint(folder / name)["environment"]["threads"])


def test_a_run_records_the_number_that_it_was_told(tiny_cohort: Path, tmp_path: Path) -> None:
    assert recorded(make_run(tmp_path / "run", tiny_cohort, threads=2)) == 2
    assert torch.get_num_threads() == 2


def test_a_run_that_was_told_none_takes_what_is_granted(
    tiny_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert recorded(make_run(tmp_path / "run", tiny_cohort)) == 2


@pytest.mark.parametrize(
    ("granted", "level", "words"),
    [
        (
            "1",
            logging.WARNING,
            "Threads: 2, as the run had, though 1 granted here: exact, but slow; --threads 1 --force",
        ),
        ("3", logging.INFO, "Threads: 2, as the run had; with the 3 granted here it would not be exact"),
    ],
)
def test_a_resume_takes_the_threads_of_the_run_and_says_so(
    granted: str,
    level: int,
    words: str,
    of_two: Path,
    tiny_cohort: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", granted)
    caplog.set_level(logging.INFO)
    make_run(of_two, tiny_cohort, resume="auto")
    assert recorded(of_two) == 2
    said = [record for record in caplog.records if record.getMessage().startswith("Threads: ")]
    assert [record.levelno for record in said] == [level]
    assert said[0].getMessage().startswith(words)


def test_nothing_is_said_where_the_numbers_agree(
    of_two: Path, tiny_cohort: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    caplog.set_level(logging.INFO)
    make_run(of_two, tiny_cohort, resume="auto")
    assert "Threads: " not in caplog.text


def test_another_number_is_refused_unless_forced(of_two: Path, tiny_cohort: Path) -> None:
    with pytest.raises(IncompatibleCheckpointError, match=r"written under threads 2, not 1: .*--force_resume True"):
        make_run(of_two, tiny_cohort, resume="auto", threads=1)
    make_run(of_two, tiny_cohort, resume="auto", threads=1, force_resume=True)
    assert recorded(of_two) == 1


def test_no_threads_at_all_are_refused(tiny_cohort: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="threads must be at least 1, or null, got 0"):
        make_run(tmp_path / "run", tiny_cohort, threads=0)
