"""What keeps track of a run: ours, and one of the user's that an overlay adds."""

from __future__ import annotations

import csv
import logging
from pathlib import Path

import pytest

from admoe_monai.handlers import CsvTracker, Epoch, LogTracker, TensorBoardTracker, append_row
from tiny_runs import make_run

TRACKER = """
class Mine:
    def __init__(self, path):
        self.path = path

    def __call__(self, epoch):
        with open(self.path, "a") as file:
            file.write(f"{epoch.phase} {epoch.number} {sorted(epoch.values)}\\n")
"""


def epoch(number: int, **values: float) -> Epoch:
    gates = {"stage0_ad": 0.25, "stage0_ad_of_CN": 0.5, "mean_ad": 0.25}
    values = {"lr": 0.5, **values}
    return Epoch(
        "finetune", number, 4, values, {"experts": gates}, telemetry={"seconds_per_epoch": 7.0}, seconds_left=61.0
    )


def test_the_file_has_a_row_per_epoch_with_all_digits(tmp_path: Path) -> None:
    tracker = CsvTracker(tmp_path / "metrics.csv")
    for figures in (epoch(0, train_loss=1.0), epoch(1, train_loss=1 / 3)):
        tracker(figures)
    rows = [*csv.DictReader((tmp_path / "metrics.csv").read_text().splitlines())]
    assert [(row["epoch"], row["phase"], float(row["train_loss"])) for row in rows] == [
        ("0", "finetune", 1.0),
        ("1", "finetune", 1 / 3),
    ]
    assert float(rows[0]["val_experts_stage0_ad_of_CN"]) == 0.5
    assert not [name for name in rows[0] if "seconds" in name]  # those of a resumed run would differ


def test_a_repeated_epoch_replaces_its_row_and_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    for epoch in (0, 1, 2):
        append_row(path, {"epoch": epoch, "phase": "pretrain", "loss": float(epoch)})
    append_row(path, {"epoch": 1, "phase": "pretrain", "loss": 0.1, "accuracy": 1 / 3})
    assert path.read_text().splitlines() == [
        "epoch,phase,loss,accuracy", "0,pretrain,0.0,", "1,pretrain,0.1,0.3333333333333333",
    ]  # fmt: skip
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.csv"]


def test_the_line_tells_the_losses_the_chosen_metrics_and_what_is_left(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    LogTracker(["change_balanced_accuracy"])(epoch(2, train_loss=1.0, val_change_balanced_accuracy=0.5, val_other=9.0))
    assert caplog.messages == [
        "Epoch 2 of 4 [finetune]  lr 0.5  train_loss 1.0000  val_change_bal_acc 0.5000  (about 1 min 1 s left of the run)"
    ]


class Writer:
    def __init__(self) -> None:
        self.points: dict[str, float] = {}

    def add_scalar(self, name: str, value: float, epoch: int) -> None:
        self.points[name] = value

    def flush(self) -> None:
        pass


def test_curves_show_the_gates_that_are_not_left_out() -> None:
    writer = Writer()
    TensorBoardTracker(writer, leave_out="experts/stage")(epoch(0, val_loss=1.0))  # type: ignore[arg-type]
    assert writer.points == {
        "finetune/lr": 0.5, "finetune/val_loss": 1.0, "finetune/experts/mean_ad": 0.25, "finetune/seconds_per_epoch": 7.0,
    }  # fmt: skip


def test_without_a_writer_there_are_no_curves() -> None:
    TensorBoardTracker(None)(epoch(0))


def test_an_overlay_adds_a_tracker_to_one_phase(
    tiny_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lab_tracker.py").write_text(TRACKER)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "tracker.yaml").write_text(
        f"+trackers:\n- _target_: lab_tracker.Mine\n  path: {tmp_path / 'tracked.txt'}\n"
    )
    overlays = {"finetune": [str(tmp_path / "tracker.yaml")]}
    run = make_run(tmp_path / "run", tiny_cohort, phase_overlays=overlays)
    tracked = (tmp_path / "tracked.txt").read_text().splitlines()
    assert len(tracked) == 1
    assert tracked[0].startswith("finetune 1 ")
    assert "val_balanced_accuracy" in tracked[0]
    assert len((run / "metrics.csv").read_text().splitlines()) == 3
