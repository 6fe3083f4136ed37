"""What `admoe inspect` says of our checkpoints, of others' files and of configs."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from admoe_monai.checkpoints import CheckpointError, read_checkpoint, write_checkpoint
from admoe_monai.checkpoints.format import CONTRACT_TYPES
from admoe_monai.errors import UserError
from admoe_monai.workflows.finished.inspection import describe_config, describe_file
from admoe_monai.workflows.finished.inspection_text import lines_of
from admoe_monai.workflows.settings.resources import resource
from published_files import Variant, state_dict


def text_of(path: Path, *config_files: Path) -> str:
    return "\n".join(lines_of(describe_file(path, config_files)))


@pytest.fixture
def original(tiny_run: Path, tmp_path: Path) -> Path:
    """A file with the keys of the original training code, at the end of pretraining."""
    contents = read_checkpoint(tiny_run / "pretrain_checkpoint.pth")
    torch.save({key: contents[key] for key in CONTRACT_TYPES}, tmp_path / "original.pth")
    return tmp_path / "original.pth"


def test_a_periodic_checkpoint_tells_where_its_run_goes_on(tiny_run: Path) -> None:
    description = describe_file(tiny_run / "checkpoint_epoch_0.pth")
    assert (description["phase"], description["epoch"], description["step"]) == ("Pretrain (SimMIM)", 0, 0)
    # Pretraining has one epoch: finetuning comes next.
    resume = description["resume"]
    assert (resume["phase"], resume["epoch"], resume["step"]) == ("Finetune (Classification)", 1, 0)
    assert not resume["finished"]
    assert description["parameters"]["decoder"] > 0
    assert description["decoder_tensors"] == 2


def test_a_finished_run_has_nothing_left(tiny_run: Path) -> None:
    description = describe_file(tiny_run / "final_model.pth")
    assert description["resume"]["finished"]
    assert description["resume"]["command"] is None
    assert "decoder" not in description["parameters"]
    assert "finished: nothing is left to train" in text_of(tiny_run / "final_model.pth")


def test_later_files_are_named_and_the_command_asks_for_a_new_folder(tiny_run: Path) -> None:
    path = tiny_run / "checkpoint_epoch_0.pth"
    resume = describe_file(path)["resume"]
    assert not resume["newest"]
    assert "checkpoint_epoch_1.pth" in resume["later_files"]
    assert resume["command"].endswith(f"--config_file {tiny_run / 'config.yaml'} --resume {path} --run_dir NEW_DIR")
    assert "never overwritten" in text_of(path)


def test_the_newest_file_goes_on_in_its_own_folder(tiny_run: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(tiny_run / "checkpoint_epoch_0.pth", tmp_path))
    resume = describe_file(path)["resume"]
    assert (resume["newest"], resume["later_files"]) == (True, [])
    # There is no config.yaml beside it.
    assert resume["command"].endswith(f"--config_file CONFIG --resume {path}")


def test_after_an_early_stop_of_pretraining_finetuning_comes_next(tiny_run: Path, tmp_path: Path) -> None:
    contents = read_checkpoint(tiny_run / "checkpoint_epoch_0.pth")
    contents["settings"] |= {"pretrain_epochs": 5, "max_epochs": 9}
    contents["training_state"]["stopped_early"] = True
    write_checkpoint(tmp_path / "checkpoint_epoch_0.pth", contents)
    resume = describe_file(tmp_path / "checkpoint_epoch_0.pth")["resume"]
    assert (resume["phase"], resume["epoch"]) == ("Finetune (Classification)", 5)


def test_in_the_middle_of_an_epoch_the_step_is_told(tiny_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "interrupt_checkpoint.pth"
    contents = read_checkpoint(tiny_run / "checkpoint_epoch_0.pth")
    contents["settings"] |= {"pretrain_epochs": 5, "max_epochs": 9}
    write_checkpoint(path, {**contents, "iteration": 3})
    resume = describe_file(path)["resume"]
    assert (resume["phase"], resume["epoch"], resume["step"]) == ("Pretrain (SimMIM)", 1, 1)
    assert "continues Pretrain (SimMIM) at epoch 1, step 1 of 2" in text_of(path)


def test_the_description_is_whole_and_json(tiny_run: Path, tmp_path: Path) -> None:
    contents = read_checkpoint(tiny_run / "best_model.pth")
    contents["training_state"]["best_loss"] = math.inf
    write_checkpoint(tmp_path / "best_model.pth", contents)
    description = describe_file(tmp_path / "best_model.pth", [tiny_run / "config.yaml"])
    assert json.loads(json.dumps(description, allow_nan=False)) == description
    assert description["scores"]["lowest_val_loss"] is None
    tensors = {"model_state_dict", "optimizer_state_dict", "scheduler_state_dict", "parameter_names"}
    assert description.keys() >= contents.keys() - tensors


def test_a_run_in_a_new_folder_names_its_parent(tiny_run: Path, tmp_path: Path) -> None:
    contents = {**read_checkpoint(tiny_run / "best_model.pth"), "parent": "elsewhere/checkpoint_epoch_19.pth"}
    write_checkpoint(tmp_path / "best_model.pth", contents)
    assert "elsewhere/checkpoint_epoch_19.pth" in text_of(tmp_path / "best_model.pth")


def test_the_original_codes_file_is_shown_with_its_claims(original: Path) -> None:
    description = describe_file(original)
    assert description["kind"] == "a checkpoint of the original training code"
    assert (description["phase"], description["epoch"]) == ("Pretrain (SimMIM)", 0)
    assert (description["resume"]["possible"], description["pretrained"]["usable"]) == (False, None)
    text = text_of(original)
    for part in ("claims phase", "Pretrain (SimMIM)", "decoder               : yes", "clinical_fusion", "--resume"):
        assert part in text
    assert "the file lacks the settings of the run" in text
    assert "compare with --config" in text


def test_weights_are_compared_with_the_network_of_a_config(original: Path, tiny_run: Path) -> None:
    fit = describe_file(original, [tiny_run / "config.yaml"])["pretrained"]
    assert (fit["usable"], fit["encoder_share"]) == (True, 1.0)
    assert (fit["missing"], fit["unexpected"], fit["other_shape"]) == ([], [], [])
    assert not any(name.startswith("decoder.") for name in fit["matched"])
    assert "yes: 100.0 % of the encoder fits" in text_of(original, tiny_run / "config.yaml")


def test_weights_of_another_network_are_found_unusable(original: Path, tiny_run: Path, tmp_path: Path) -> None:
    (tmp_path / "wider.yaml").write_text("embed_dim: 16\n")
    config = (tiny_run / "config.yaml", tmp_path / "wider.yaml")
    fit = describe_file(original, config)["pretrained"]
    assert not fit["usable"]
    assert {"name": "mask_token", "file": [8], "network": [16]} in fit["other_shape"]
    assert "of another shape (" in text_of(original, *config)


@pytest.mark.parametrize("wrapper", ["", "module."])
def test_a_bare_state_dict_is_shown(wrapper: str, original: Path, tiny_run: Path, tmp_path: Path) -> None:
    weights = torch.load(original)["model_state_dict"]
    torch.save({wrapper + name: weight for name, weight in weights.items()}, tmp_path / "bare.pth")
    description = describe_file(tmp_path / "bare.pth", [tiny_run / "config.yaml"])
    assert description["kind"] == "a bare state dict"
    assert description["pretrained"]["usable"]
    assert ("of a wrapper" in text_of(tmp_path / "bare.pth")) == bool(wrapper)


@pytest.mark.parametrize("contents", [[1, 2], {"net": {"weight": torch.ones(1)}}, {}])
def test_any_other_torch_file_is_good_for_nothing_and_says_so(contents: Any, tiny_run: Path, tmp_path: Path) -> None:
    torch.save(contents, tmp_path / "some.pth")
    description = describe_file(tmp_path / "some.pth", [tiny_run / "config.yaml"])
    assert (description["resume"]["possible"], description["pretrained"]["usable"]) == (False, False)
    assert "no: it holds no weights" in text_of(tmp_path / "some.pth")


def test_published_weights_are_known_by_their_names(tiny_run: Path, tmp_path: Path) -> None:
    weights = state_dict(Variant("small", 8, (1, 1), (1, 2), 4), device="cpu")
    torch.save({"model": weights, "epoch": 299}, tmp_path / "swinv2.pth")
    text = text_of(tmp_path / "swinv2.pth", tiny_run / "config.yaml")
    assert "Microsoft's Swin V2" in text
    assert "yes: 100.0 % of the encoder fits" in text
    torch.save({"stages.0.blocks.0.attn.meta_mlp.fc1.weight": torch.zeros(1)}, tmp_path / "cr.pth")
    assert "no: these are weights of timm's swinv2_cr" in text_of(tmp_path / "cr.pth", tiny_run / "config.yaml")


def test_a_broken_checkpoint_of_ours_is_an_error(tiny_run: Path, tmp_path: Path) -> None:
    contents = read_checkpoint(tiny_run / "best_model.pth")
    del contents["iteration"]
    torch.save(contents, tmp_path / "best_model.pth")
    with pytest.raises(CheckpointError, match="lacks the key 'iteration'"):
        describe_file(tmp_path / "best_model.pth")


def test_an_absent_checkpoint_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        describe_file(tmp_path / "nowhere.pth")


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


def test_a_config_that_no_network_can_be_built_from_says_why(tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_text("prior_dim: 3\nfusion_type: sum\n")
    with pytest.raises(UserError, match="fusion_type must be one of"):
        describe_config([tmp_path / "odd.yaml"])
