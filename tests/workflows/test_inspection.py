from __future__ import annotations

import json
from pathlib import Path

import pytest

from admoe_monai.checkpoints import CheckpointError, read_checkpoint, write_checkpoint
from admoe_monai.errors import UserError
from admoe_monai.workflows.inspection import describe_checkpoint, describe_config
from admoe_monai.workflows.resources import resource


@pytest.mark.parametrize(
    ("name", "phase", "resumes"),
    [
        ("checkpoint_epoch_0.pth", "Pretrain (SimMIM)", 1),
        ("final_model.pth", "Finetune (Classification)", "none: finished"),
    ],
)
def test_a_checkpoint_tells_its_phase_and_what_a_resume_does(
    name: str, phase: str, resumes: object, tiny_run: Path
) -> None:
    description = describe_checkpoint(tiny_run / name)
    assert (description["phase"], description["resumes at epoch"]) == (phase, resumes)
    assert ("decoder" in description["parameters"]) == (phase == "Pretrain (SimMIM)")
    json.dumps(description)


def test_after_an_early_stop_of_pretraining_finetuning_comes_next(tiny_run: Path, tmp_path: Path) -> None:
    contents = read_checkpoint(tiny_run / "checkpoint_epoch_0.pth")
    contents["settings"] |= {"pretrain_epochs": 5, "max_epochs": 9}
    contents["training_state"]["stopped_early"] = True
    write_checkpoint(tmp_path / "checkpoint_epoch_0.pth", contents)
    assert describe_checkpoint(tmp_path / "checkpoint_epoch_0.pth")["resumes at epoch"] == 5


def test_in_the_middle_of_an_epoch_the_step_is_told(tiny_run: Path, tmp_path: Path) -> None:
    contents = read_checkpoint(tiny_run / "checkpoint_epoch_0.pth")
    write_checkpoint(tmp_path / "interrupt_checkpoint.pth", {**contents, "iteration": 3})
    assert describe_checkpoint(tmp_path / "interrupt_checkpoint.pth")["step within epoch"] == "1 of 2"


def test_an_absent_checkpoint_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        describe_checkpoint(tmp_path / "nowhere.pth")


def test_the_seeds_network_has_the_numbers_of_the_guide() -> None:
    parameters = describe_config([resource("configs/overlays/seed_2d.yaml")])["parameters"]
    expected = {
        "decoder": 2_362_368,
        "clinical_encoder": 233_216,
        "clinical_fusion": 1_772_546,
        "head_diagnosis": 2_307,
        "head_change": 2_307,
    }
    assert {name: parameters[name] for name in expected} == expected


def test_a_config_whose_prior_is_open_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="width of the prior is not known without"):
        describe_config([])
