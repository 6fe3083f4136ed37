"""A frozen part keeps its weights and is free again afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from ignite.engine import Engine
from torch import nn

from admoe_monai.checkpoints import read_checkpoint
from admoe_monai.errors import UserError
from admoe_monai.handlers import Freezing
from tiny_runs import make_run


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))


def test_frozen_parameters_stay_under_weight_decay_and_the_others_move() -> None:
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.5)

    def step(engine: Engine, batch: torch.Tensor) -> None:
        optimizer.zero_grad()
        model(batch).sum().backward()
        optimizer.step()

    trainer = Engine(step)
    Freezing(model, r"0\.").attach(trainer)
    trainer.run([torch.ones(3, 2)] * 2, max_epochs=2)
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"1.weight", "1.bias"}
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize(("expression", "which"), [("decoder", "no parameter"), (".", "every parameter")])
def test_an_expression_that_leaves_nothing_to_do_is_refused(expression: str, which: str) -> None:
    with pytest.raises(UserError, match=f"fits {which} of the network; its parts are 0, 1"):
        Freezing(network(), expression)


def test_the_overlay_finetunes_behind_the_pretrained_encoder(tiny_cohort: Path, tmp_path: Path) -> None:
    overlay = "bundle/configs/freeze_encoder.yaml"
    run = make_run(tmp_path / "run", tiny_cohort, phase_overlays={"finetune": [overlay]}, max_epochs=3)
    pretrained = read_checkpoint(run / "pretrain_checkpoint.pth")["model_state_dict"]
    final = read_checkpoint(run / "final_model.pth")["model_state_dict"]
    same = {name for name in final if torch.equal(final[name], pretrained[name])}
    assert {name for name in final if name.startswith("encoder.")} <= same
    assert {"head_diagnosis.weight", "head_change.weight"}.isdisjoint(same)
