"""A loss that is not finite stops the run and reaches no checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from admoe_monai.checkpoints import read_checkpoint
from admoe_monai.errors import user_error
from admoe_monai.losses import ClassificationLoss, SimMIMLoss
from tiny_runs import make_run


@pytest.mark.parametrize(("loss", "epoch"), [(SimMIMLoss, 1), (ClassificationLoss, 3)], ids=["pretrain", "finetune"])
def test_a_loss_that_is_not_finite_stops_the_run_and_reaches_no_checkpoint(
    loss: Any, epoch: int, each_cohort: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward, calls = loss.forward, []

    def broken(self: Any, *args: Any) -> torch.Tensor:
        calls.append(torch.is_grad_enabled())
        # The second epoch's first step: two steps of training an epoch, and validation in between.
        return forward(self, *args) * (float("nan") if calls.count(True) == 3 and calls[-1] else 1.0)

    monkeypatch.setattr(loss, "forward", broken)
    with pytest.raises(RuntimeError) as stop:
        make_run(tmp_path / "run", **each_cohort, max_epochs=4, pretrain_epochs=2, patience=0)
    message = str(user_error(stop.value))
    assert "the loss is nan" in message
    assert "sub-" in message
    assert f"checkpoint_epoch_{epoch - 1}.pth" in {path.name for path in (tmp_path / "run").glob("*.pth")}
    assert not (tmp_path / "run" / f"checkpoint_epoch_{epoch}.pth").exists()
    for path in (tmp_path / "run").glob("*.pth"):
        weights = read_checkpoint(path)["model_state_dict"].values()
        assert all(weight.isfinite().all() for weight in weights if weight.is_floating_point())
    assert "Stopped: the loss is nan" in (tmp_path / "run" / "training.log").read_text()
