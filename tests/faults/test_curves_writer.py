from __future__ import annotations

import threading
from pathlib import Path

import pytest
from injection import size_limit
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from admoe_monai.workflows.run.curves_writer import curves_in


def test_points_are_written(tmp_path: Path) -> None:
    with curves_in(tmp_path, 0) as writer:
        writer.add_scalar("train/loss", 0.5, 3)
        writer.flush()
    read = EventAccumulator(str(tmp_path)).Reload()
    assert [(point.step, point.value) for point in read.Scalars("train/loss")] == [(3, 0.5)]


def test_a_file_that_can_not_grow_costs_the_curves_and_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The thread's own exception would fail this test as a warning."""
    before = threading.excepthook
    # The limit outlasts the writer: its thread may get its turn as late as at the end.
    with size_limit(tmp_path), curves_in(tmp_path, 0) as writer:
        for step in range(3):
            writer.add_text("settings", "x" * 100_000, step)
            writer.flush()
            writer.add_scalar("train/loss", 0.5, step)
    assert [message for message in caplog.messages if "curves end here" in message] == [
        "TensorBoard's curves end here, the run goes on: [Errno 27] File too large"
    ]
    assert threading.excepthook is before


def test_what_a_run_ends_with_is_not_hidden(tmp_path: Path) -> None:
    def run() -> None:
        with size_limit(tmp_path), curves_in(tmp_path, 0) as writer:
            writer.add_text("settings", "x" * 100_000, 0)
            raise RuntimeError("the reason")

    with pytest.raises(RuntimeError, match="the reason"):
        run()


def test_another_thread_is_none_of_its_business(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", heard.append)

    def fail() -> None:
        raise OSError("elsewhere")

    with curves_in(tmp_path, 0):
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    assert [str(failure.exc_value) for failure in heard] == ["elsewhere"]
