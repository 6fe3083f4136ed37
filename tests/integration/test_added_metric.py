"""A metric of a user's own, added to one phase by an overlay."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from ignite.metrics.metric import Metric

from tiny_runs import make_run


class Items(Metric):
    """Number of items that an evaluation has seen."""

    def reset(self) -> None:
        self.items = 0.0

    def update(self, output: torch.Tensor) -> None:
        self.items += len(output)

    def compute(self) -> float:
        return self.items


@pytest.mark.parametrize(
    "added", ["+validate::additional_metrics:\n  items: {}", "validate::additional_metrics::items: {}"]
)
@pytest.mark.parametrize("phase", ["pretrain", "finetune"])
def test_an_overlay_adds_a_metric_to_one_phase(tiny_cohort: Path, tmp_path: Path, phase: str, added: str) -> None:
    metric = "{_target_: test_added_metric.Items, output_transform: '$lambda output: output[\"image\"]'}"
    (tmp_path / "overlay.yaml").write_text(added.format(metric) + "\n")
    run = make_run(tmp_path / "run", tiny_cohort, phase_overlays={phase: [str(tmp_path / "overlay.yaml")]})
    rows = {row["phase"]: row for row in csv.DictReader((run / "metrics.csv").read_text().splitlines())}
    assert {name: row["val_items"] for name, row in rows.items()} == {
        name: "3.0" if name == phase else "" for name in ("pretrain", "finetune")
    }
    assert rows["finetune"]["val_diagnosis_balanced_accuracy"]
