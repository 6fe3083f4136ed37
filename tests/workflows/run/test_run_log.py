from __future__ import annotations

import logging
from pathlib import Path

import pytest

from admoe_monai.errors import UserError
from admoe_monai.workflows.run.run_log import FILE_ALONE, RunLog

logger = logging.getLogger("admoe_monai.some.module")


def test_what_was_logged_before_the_folder_was_known_comes_first(tmp_path: Path) -> None:
    with RunLog() as log:
        logger.warning("early")
        log.open(tmp_path / "training.log")
        logger.info("late")
    logger.warning("too late")
    lines = (tmp_path / "training.log").read_text().splitlines()
    assert [line.partition("] ")[2] for line in lines] == ["early", "late"]
    assert lines[0][0] == "["
    assert len(lines[0].partition("]")[0]) == len("[HH:MM:SS.mmm")


def test_log_is_appended_to(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with RunLog() as log:
            log.open(tmp_path / "training.log")
            logger.info(text)
    assert len((tmp_path / "training.log").read_text().splitlines()) == 2


def test_a_users_mistake_is_one_line_at_the_end(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), RunLog() as log:  # noqa: PT012
        log.open(tmp_path / "training.log")
        try:
            raise UserError("the disk is full")
        except UserError as error:
            raise RuntimeError("wrapped by MONAI") from error
    (line,) = (tmp_path / "training.log").read_text().splitlines()
    assert line.endswith("Stopped: the disk is full")


def test_a_bug_leaves_its_traceback_in_the_log(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), RunLog() as log:  # noqa: PT012
        log.open(tmp_path / "training.log")
        1 / 0  # noqa: B018
    assert "Traceback" in (tmp_path / "training.log").read_text()


def test_what_is_for_the_file_alone_stands_in_its_order_and_is_not_shown(tmp_path: Path, terminal: list[str]) -> None:
    with RunLog() as log:
        logger.info("before")
        FILE_ALONE.info("early table")
        log.open(tmp_path / "training.log")
        FILE_ALONE.info("late table")
        logger.info("after")
    FILE_ALONE.info("too late")
    lines = [line.partition("] ")[2] for line in (tmp_path / "training.log").read_text().splitlines()]
    assert lines == ["before", "early table", "late table", "after"]
    assert terminal == ["before", "after"]


def test_nothing_stays_attached(tmp_path: Path) -> None:
    loggers = (logging.getLogger("admoe_monai"), FILE_ALONE)
    before = [(list(each.handlers), each.level) for each in loggers]
    with pytest.raises(UserError), RunLog() as log:  # noqa: PT012
        log.open(tmp_path / "training.log")
        raise UserError("stop")
    assert [(list(each.handlers), each.level) for each in loggers] == before


def test_a_full_disk_is_said_once_and_hides_nothing(capfd: pytest.CaptureFixture[str], terminal: list[str]) -> None:
    with pytest.raises(UserError, match="no image"), RunLog() as log:  # noqa: PT012
        log.open(Path("/dev/full"))
        logger.info("one")
        logger.info("two")
        raise UserError("no image")
    assert terminal == ["/dev/full can't be written: No space left on device; the run goes on", "one", "two"]
    assert "Traceback" not in capfd.readouterr().err
