from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

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
