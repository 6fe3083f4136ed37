"""The overlays that put another encoder in the place of ours: trained, interrupted, resumed, loaded and predicted with."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from admoe_monai.checkpoints import read_checkpoint
from admoe_monai.errors import UserError
from admoe_monai.handlers import GradientClipping
from admoe_monai.workflows.finished.experts import gate_weights
from admoe_monai.workflows.finished.inspection import network_of
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of
from admoe_monai.workflows.settings.resources import resource
from run_comparison import assert_same_run
from tiny_runs import MICRO_PLAN, make_run

OVERLAYS = resource("configs/train.yaml").parent / "overlays"
# A plan of few checkpoints: a ResNet takes 60 MB for each.
PLAN = {**MICRO_PLAN, "max_epochs": 2, "save_interval": 10}


def settings_of(overlay: str, spatial_dims: int) -> dict[str, Any]:
    """Of an overlay, with a smaller Swin V1."""
    settings: dict[str, Any] = yaml.safe_load((OVERLAYS / f"{overlay}.yaml").read_text())
    if overlay == "encoder_swin_v1":
        encoder = settings["network"]["encoder"]
        encoder["num_features"] = 96
        encoder["backbone"] |= {"embed_dim": 6, "num_heads": [1, 2, 3, 6], "window_size": [3] * spatial_dims}
    return {**PLAN, "spatial_dims": spatial_dims, **settings}


@pytest.mark.parametrize(
    ("overlay", "spatial_dims"),
    [
        ("encoder_cnn", 3),
        ("encoder_swin_v1", 3),
        *(
            pytest.param(overlay, dims, marks=pytest.mark.faults)
            for overlay, dims in (("encoder_resnet", 2), ("encoder_voxels", 3), ("prior_alone", 2))
        ),
    ],
)
def test_a_run_with_another_encoder_goes_on_bit_by_bit_and_predicts(
    overlay: str, spatial_dims: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cohort = request.getfixturevalue("tiny_cohort" if spatial_dims == 3 else "tiny_cohort_2d")
    settings = settings_of(overlay, spatial_dims)
    whole = make_run(tmp_path / "whole", cohort, **settings)

    steps, clip = [], GradientClipping.__call__

    def signalled(self: GradientClipping, engine: Any) -> None:
        steps.append(engine.state.iteration)
        if len(steps) == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        clip(self, engine)

    with monkeypatch.context() as patch:
        patch.setattr(GradientClipping, "__call__", signalled)
        with pytest.raises(SystemExit):
            make_run(tmp_path / "run", cohort, **settings)
    assert (tmp_path / "run" / "interrupt_checkpoint.pth").exists()
    make_run(tmp_path / "run", cohort, **settings, resume="auto")
    assert_same_run(tmp_path / "run", whole)

    run = TrainedRun.load(tmp_path / "run")
    table, gates, _ = gate_weights(run, cohort_of(run), "test", "cpu")
    assert len(table.frame) == 3
    assert gates == {}
    weights = read_checkpoint(tmp_path / "run" / "best_model.pth")["model_state_dict"]
    assert not [name for name in weights if name.startswith(("decoder.", "mask_token", "encoder.layers."))]


@pytest.mark.parametrize(
    "overlay", ["encoder_resnet", "encoder_swin_v1", "encoder_cnn", "encoder_voxels", "prior_alone", "from_scratch"]
)
@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_the_overlay_builds_a_network_for_slices_and_volumes(overlay: str, spatial_dims: int, tmp_path: Path) -> None:
    (tmp_path / "sizes.yaml").write_text(f"spatial_dims: {spatial_dims}\nprior_dim: 3\n")
    settings, network = network_of([OVERLAYS / f"{overlay}.yaml", tmp_path / "sizes.yaml"])
    assert settings["pretrain_epochs"] == 0
    fusion = {"clinical_fusion"} if settings["use_clinical_prior"] else set()
    assert {"encoder", "head_diagnosis"} | fusion <= {name for name, _ in network.named_children()}


def test_pretraining_an_encoder_that_cannot_mask_is_refused_before_anything_is_written(
    tiny_cohort_2d: Path, tmp_path: Path
) -> None:
    settings = {**settings_of("encoder_resnet", 2), "pretrain_epochs": 1}
    with pytest.raises(UserError, match="can't mask"):
        make_run(tmp_path / "run", tiny_cohort_2d, **settings)
    assert not (tmp_path / "run").exists()
