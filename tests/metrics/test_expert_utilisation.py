from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from ignite.engine import Engine

from admoe_monai.metrics import ExpertUtilisation


def test_utilisation_is_the_mean_weight_per_class(caplog: pytest.LogCaptureFixture) -> None:
    metric = ExpertUtilisation(("shared", "cn"), classes=("CN", "AD"))
    weights = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    metric.update(([SimpleNamespace(stage=1, task="diagnosis", weights=weights)], torch.tensor([0, 1, -1])))
    result = metric.compute()
    assert result["stage1_diagnosis_shared"] == pytest.approx(0.5)
    assert result["stage1_diagnosis_shared_of_CN"] == 1.0
    assert result["stage1_diagnosis_cn_of_AD"] == 1.0
    assert not caplog.records


def test_a_collapsed_expert_is_named(caplog: pytest.LogCaptureFixture) -> None:
    metric = ExpertUtilisation(("shared", "cn"))
    weights = torch.tensor([[1.0, 0.0]])
    metric.update(([SimpleNamespace(stage=0, task="reconstruction", weights=weights)], None))
    metric.compute()
    assert "stage0_reconstruction_cn" in caplog.text


def test_an_expert_that_only_a_class_leaves_out_has_not_collapsed(caplog: pytest.LogCaptureFixture) -> None:
    metric = ExpertUtilisation(("shared", "cn"), classes=("CN", "AD"))
    weights = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    metric.update(([SimpleNamespace(stage=0, task="age_of_onset", weights=weights)], torch.tensor([0, 1])))
    assert metric.compute()["stage0_age_of_onset_cn_of_CN"] == 0.0
    assert not caplog.records


def test_a_task_of_any_name_is_looked_at_for_collapse(caplog: pytest.LogCaptureFixture) -> None:
    metric = ExpertUtilisation(("shared", "cn"))
    metric.update(([SimpleNamespace(stage=0, task="age_of_onset", weights=torch.tensor([[1.0, 0.0]]))], None))
    metric.compute()
    assert "stage0_age_of_onset_cn" in caplog.text


@pytest.mark.parametrize("batch", [{"diagnosis": torch.tensor([0, 1])}, {"image": torch.zeros(2)}, [torch.zeros(2)]])
def test_without_classes_the_mean_is_over_all_visits(batch: object) -> None:
    metric = ExpertUtilisation(("shared", "cn"))
    record = SimpleNamespace(stage=1, task="sex", weights=torch.tensor([[1.0, 0.0], [0.5, 0.5]]))
    engine = Engine(lambda engine, batch: {"pred": {"routing": [record]}})
    metric.attach(engine, "experts")
    engine.run([batch])
    assert engine.state.metrics["experts"] == {
        "stage1_sex_shared": 0.75, "stage1_sex_cn": 0.25, "mean_shared": 0.75, "mean_cn": 0.25,
    }  # fmt: skip


def test_the_mean_is_over_stages_and_tasks() -> None:
    metric = ExpertUtilisation(("shared", "cn"), classes=("CN",))
    for stage, task, weight in ((1, "sex", 1.0), (1, "change", 0.5), (2, "sex", 0.0), (2, "change", 0.5)):
        weights = torch.tensor([[weight, 1 - weight], [0.5, 0.5]])
        metric.update(([SimpleNamespace(stage=stage, task=task, weights=weights)], torch.tensor([0, -1])))
    result = metric.compute()
    assert result["mean_shared_of_CN"] == 0.5
    assert result["stage1_sex_shared_of_CN"] == 1.0
