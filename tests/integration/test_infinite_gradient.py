"""A gradient that is not finite stops the run, in both phases, although the loss is sound."""

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
def test_a_gradient_that_is_not_finite_stops_the_run_and_reaches_no_checkpoint(
    loss: Any, epoch: int, each_cohort: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward, calls = loss.forward, []

    def broken(self: Any, *args: Any) -> torch.Tensor:
        value: torch.Tensor = forward(self, *args)
        calls.append(torch.is_grad_enabled())
        # At the second epoch's last step, two steps of training an epoch: the root of zero is zero, its gradient NaN.
        return value + (value * 0).sqrt() if calls.count(True) == 4 and calls[-1] else value

    monkeypatch.setattr(loss, "forward", broken)
    with pytest.raises(RuntimeError) as stop:
        make_run(tmp_path / "run", **each_cohort, max_epochs=4, pretrain_epochs=2, patience=0, clip_grad=None)
    message = str(user_error(stop.value))
    assert "the norm of the gradient is nan" in message
    assert "sub-" in message
    files = {path.name: read_checkpoint(path) for path in (tmp_path / "run").glob("*.pth")}
    assert f"checkpoint_epoch_{epoch - 1}.pth" in files
    assert f"checkpoint_epoch_{epoch}.pth" not in files
    for contents in files.values():
        assert all(w.isfinite().all() for w in contents["model_state_dict"].values() if w.is_floating_point())
    assert f"Stopped: {message}" in (tmp_path / "run" / "training.log").read_text()
