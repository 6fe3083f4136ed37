"""Curves of a run, and the epochs that they mark."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from admoe_monai.evaluation.run_pictures import curves_figure, curves_png
from admoe_monai.metrics_rows import Row, best_score, lowest_loss, read_metrics

ROWS = """epoch,phase,train_loss,val_loss,val_balanced_accuracy,val_diagnosis_balanced_accuracy,val_change_auc
0,pretrain,1.0,0.9,,,
1,pretrain,0.9,nan,,,
2,pretrain,0.8,0.7,,,
3,finetune,2.0,1.5,0.30000000000000004,0.3,0.9
4,finetune,1.8,,,,
5,finetune,1.7,1.2,0.3,0.3,0.8
6,finetune,1.6,1.1,0.30000000000000004,0.3,0.8
"""


@pytest.fixture
def metrics(tmp_path: Path) -> list[Row]:
    (tmp_path / "metrics.csv").write_text(ROWS)
    return read_metrics(tmp_path / "metrics.csv")


def test_ties_go_to_the_lower_loss_and_every_digit_counts(metrics: list[Row]) -> None:
    best = best_score(metrics, "balanced_accuracy")
    assert best is not None
    assert best.epoch == 6
    best = best_score(metrics, "change_auc")
    assert best is not None
    assert best.epoch == 3


def test_the_lowest_loss_is_finite_and_of_its_phase(metrics: list[Row]) -> None:
    found = {phase: lowest_loss(metrics, phase) for phase in ("pretrain", "finetune")}
    assert {phase: row.epoch for phase, row in found.items() if row is not None} == {"pretrain": 2, "finetune": 6}
    metrics = [{**row, "val_loss": "inf"} for row in metrics]
    assert lowest_loss(metrics, "finetune") is None
    assert best_score(metrics, "balanced_accuracy") is None
    assert best_score(metrics, "of_another_run") is None


def test_a_picture_names_the_best_epochs_and_every_task(metrics: list[Row]) -> None:
    figure = curves_figure(metrics, "change_auc")
    labels = [[text.get_text() for text in axis.get_legend().get_texts()] for axis in figure.axes]
    assert labels == [
        ["training", "validation", "lowest, epoch 2"],
        ["training", "validation", "lowest, epoch 6"],
        ["mean of the tasks", "diagnosis", "best model, epoch 3"],
    ]


@pytest.mark.parametrize("rows", [1, 2, 4], ids=["first", "unvalidated", "finetuning"])
def test_a_run_that_has_just_begun_has_a_picture(rows: int, tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("\n".join(ROWS.splitlines()[: rows + 1]))
    with Image.open(io.BytesIO(curves_png(tmp_path / "metrics.csv"))) as picture:
        assert picture.format == "PNG"
        assert picture.width > picture.height
