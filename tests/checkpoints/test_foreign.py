"""Whatever file somebody hands in is told apart, and its weights are found."""

from __future__ import annotations

import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from admoe_monai.checkpoints import (
    CorruptCheckpointError,
    FileKind,
    ForeignCheckpointError,
    component_sizes,
    examine,
    load_whole,
    read_checkpoint,
)
from admoe_monai.checkpoints.format import CONTRACT_TYPES

WEIGHTS = {"encoder.weight": torch.ones(2, 3), "decoder.0.bias": torch.zeros(4)}


@pytest.fixture
def original(contents: dict[str, Any]) -> dict[str, Any]:
    """What the original training code saves."""
    return {**{key: contents[key] for key in CONTRACT_TYPES}, "model_state_dict": WEIGHTS}


def test_the_original_codes_checkpoint_is_known_by_its_keys(original: dict[str, Any]) -> None:
    found = examine(original)
    assert found.kind is FileKind.ORIGINAL
    assert found.claims == {
        "epoch": 3,
        "best_val_acc": 0.625,
        "is_pretrain": False,
        "phase": "Finetune (Classification)",
        "decoder_removed": True,
    }
    assert found.decoder_names == ["decoder.0.bias"]


@pytest.mark.parametrize(
    ("contents", "kind"),
    [
        ({"model_state_dict": WEIGHTS, "epoch": 3}, FileKind.TRAINING),
        ({"model_state_dict": WEIGHTS, "format_version": 1}, FileKind.OWN),
        (WEIGHTS, FileKind.BARE),
        ({"model": WEIGHTS}, FileKind.TRAINING),
        ({"state_dict": WEIGHTS, "epoch": 3}, FileKind.TRAINING),
        ({"net": WEIGHTS}, FileKind.OTHER),
        ({"epoch": 3}, FileKind.OTHER),
        ({}, FileKind.OTHER),
        ([1, 2], FileKind.OTHER),
    ],
)
def test_other_files_are_told_apart(contents: Any, kind: FileKind) -> None:
    found = examine(contents)
    assert found.kind is kind
    assert bool(found.weights) == (kind is not FileKind.OTHER)
    assert bool(found.remark) == (kind is FileKind.OTHER)


def test_weights_under_another_key_are_pointed_at() -> None:
    assert "under 'net'" in examine({"step": 1, "net": WEIGHTS}).remark


def test_safetensors_are_read(tmp_path: Path) -> None:
    safetensors.torch.save_file(WEIGHTS, tmp_path / "model.safetensors")
    found = examine(load_whole(tmp_path / "model.safetensors"))
    assert found.kind is FileKind.BARE
    assert all(torch.equal(weight, found.weights[name]) for name, weight in WEIGHTS.items())


@pytest.mark.parametrize("content", [b"", b"no safetensors", b"\x10" + bytes(7) + b"{" * 16])
def test_broken_safetensors_are_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(CorruptCheckpointError, match="is no whole safetensors file"):
        load_whole(tmp_path / "model.safetensors")


def test_a_config_of_yacs_beside_the_weights_is_no_obstacle_and_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Microsoft's training code saves its files."""

    class CfgNode(dict[str, Any]):
        def __init__(self, values: dict[str, Any]) -> None:
            super().__init__(values)
            self.__dict__["__immutable__"] = True

    CfgNode.__module__, CfgNode.__qualname__ = "yacs.config", "CfgNode"
    module = types.ModuleType("yacs.config")
    module.CfgNode = CfgNode  # type: ignore[attr-defined]
    with monkeypatch.context() as installed:
        installed.setitem(sys.modules, "yacs", types.ModuleType("yacs"))
        installed.setitem(sys.modules, "yacs.config", module)
        config = CfgNode({"MODEL": CfgNode({"TYPE": "swinv2"}), "SIZES": [1, 2]})
        torch.save({"model": WEIGHTS, "config": config, "epoch": 3}, tmp_path / "published.pth")
    found = examine(load_whole(tmp_path / "published.pth"))
    assert (found.kind, list(found.weights)) == (FileKind.TRAINING, list(WEIGHTS))
    assert "yacs.config" not in sys.modules


@pytest.mark.parametrize("wrapper", ["module.", "_orig_mod.", "module._orig_mod."])
@pytest.mark.parametrize("nested", [True, False])
def test_the_prefix_of_a_wrapper_is_taken_off(wrapper: str, nested: bool) -> None:
    wrapped = {wrapper + name: weight for name, weight in WEIGHTS.items()}
    found = examine({"model_state_dict": wrapped} if nested else wrapped)
    assert list(found.weights) == list(WEIGHTS)
    assert found.wrapper == wrapper


def test_a_module_that_only_some_names_begin_with_is_no_wrapper() -> None:
    found = examine({"module.weight": torch.ones(1), "head.weight": torch.ones(1)})
    assert (list(found.weights), found.wrapper) == (["module.weight", "head.weight"], "")


def test_sizes_are_counted_by_top_level_name() -> None:
    assert component_sizes({**WEIGHTS, "encoder.bias": torch.ones(2), "mask_token": torch.ones(5)}) == {
        "encoder": 8,
        "decoder": 4,
        "mask_token": 5,
    }


def test_numpy_scalars_are_named_with_a_way_out_that_works(
    original: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "best_model.pth"
    torch.save({**original, "best_val_acc": np.mean([0.5, 1.0])}, path)
    with pytest.raises(
        ForeignCheckpointError, match=r"numpy\._core\.multiarray\.scalar.*save its weights anew"
    ) as caught:
        load_whole(path)
    message = str(caught.value)
    assert "\n" not in message
    monkeypatch.chdir(tmp_path)
    exec(message.partition('python -c "')[2].rstrip('"'))
    assert examine(load_whole(tmp_path / "weights.pth")).weights.keys() == WEIGHTS.keys()


def test_an_object_of_code_is_named_without_advice_to_load_it(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "whole.pth")
    with pytest.raises(ForeignCheckpointError, match=r"could run code \(torch\.nn\.modules\.linear\.Linear\)$"):
        load_whole(tmp_path / "whole.pth")


def test_the_old_format_of_torch_is_named(tmp_path: Path) -> None:
    torch.save(WEIGHTS, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    with pytest.raises(ForeignCheckpointError, match=r"before version 1\.6.*save it anew"):
        load_whole(tmp_path / "old.pth")


def test_a_file_that_is_none_of_torchs_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.pth").write_text("no weights here")
    with pytest.raises(CorruptCheckpointError, match="is no torch file"):
        load_whole(tmp_path / "notes.pth")


def test_another_archive_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "letters.pth", "w") as archive:
        archive.writestr("letters/a.txt", "a")
    with pytest.raises(ForeignCheckpointError, match="an archive that torch did not write"):
        load_whole(tmp_path / "letters.pth")


def test_a_program_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "program.pth", "w") as archive:
        for member in ("data.pkl", "constants.pkl", "version"):
            archive.writestr(f"program/{member}", "3\n")
    with pytest.raises(ForeignCheckpointError, match="a TorchScript program"):
        load_whole(tmp_path / "program.pth")


@pytest.mark.parametrize(("wrap", "lacks"), [(True, "the settings of the run"), (False, "optimizer, schedule")])
def test_refusal_to_resume_says_what_is_lacking_and_what_to_do(
    wrap: bool, lacks: str, original: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.pth"
    torch.save(original if wrap else WEIGHTS, path)
    with pytest.raises(ForeignCheckpointError) as caught:
        read_checkpoint(path)
    kind = FileKind.ORIGINAL if wrap else FileKind.BARE
    for part in (kind, lacks, f"--config_file configs/finetune.yaml --pretrained {path}"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_refusal_of_a_file_without_weights_recommends_nothing(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "a.pth")
    with pytest.raises(ForeignCheckpointError, match="it holds a list") as caught:
        read_checkpoint(tmp_path / "a.pth")
    assert "--pretrained" not in str(caught.value)


def test_an_average_without_any_weight_has_no_wrapper() -> None:
    """It was unwrapped for ever: all of no names begin with a prefix."""
    contents = {
        "format_version": 2, "model_state_dict": {"a": torch.ones(1)}, "evaluated": "ema",
        "further": {"ema": {"model_state_dict": {}}},
    }  # fmt: skip
    assert examine(contents).weights == {}
