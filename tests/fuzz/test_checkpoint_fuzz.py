"""Whatever a checkpoint holds, it is read or refused in a line, and nothing of it runs."""

from __future__ import annotations

import io
import pickle
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from admoe_monai.checkpoints import (
    FINETUNE,
    FORMAT_VERSION,
    PRETRAIN,
    examine,
    is_complete,
    load_whole,
    phase_key,
    position,
    position_of,
    read_checkpoint,
)  # fmt: skip
from fuzzing import altered, mutated, survives

CONTENTS: dict[str, Any] = {
    "epoch": 3, "iteration": 24, "epoch_length": 6, "model_state_dict": {"a.weight": torch.ones(2, 3), "a.bias": torch.ones(2)},
    "optimizer_state_dict": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
    "scheduler_state_dict": {"last_epoch": 24}, "best_val_acc": 0.6, "is_pretrain": False, "phase": FINETUNE,
    "decoder_removed": True, "format_version": FORMAT_VERSION, "parameter_names": ["a.weight", "a.bias"],
    "training_state": {"count": 0}, "settings": {"seed": 42}, "digests": {"datalist": "00"}, "environment": {"torch": "2"},
    "further": {"ema": {"model_state_dict": {"a.weight": torch.ones(2, 3)}}}, "evaluated": "ema",
}  # fmt: skip
WORDS = (*CONTENTS, FINETUNE, PRETRAIN, "ema", "module.a")


@cache
def valid(suffix: str) -> bytes:
    if suffix == ".safetensors":
        return safetensors.torch.save(CONTENTS["model_state_dict"])
    file = io.BytesIO()
    torch.save(CONTENTS, file)
    return file.getvalue()


def member(name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(valid(".pth"))) as archive:
        return archive.read(name)


def read(path: Path) -> None:
    """As a resume reads it."""
    checkpoint = read_checkpoint(path)
    position(checkpoint), is_complete(checkpoint), phase_key(checkpoint)


def every_reader(path: Path) -> None:
    for reader in (read, position_of, lambda file: examine(load_whole(file))):
        survives(lambda reader=reader: reader(path))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_the_valid_files_are_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(valid(suffix))
    load_whole(path)
    if suffix == ".pth":
        read(path)
        position_of(path)


@given(st.data(), st.sampled_from([".pth", ".safetensors"]))
def test_a_checkpoint_of_any_bytes(tmp_path: Path, data: st.DataObject, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data.draw(mutated(valid(suffix))))
    every_reader(path)


@given(mutated(member("archive/data.pkl")))
def test_a_sound_archive_with_any_pickle_in_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(io.BytesIO(valid(".pth"))) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, content if name.endswith("data.pkl") else old.read(name))
    every_reader(path)


@given(altered(CONTENTS, *WORDS))
def test_a_checkpoint_with_anything_in_it(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "a.pth")
    every_reader(tmp_path / "a.pth")


@given(st.binary(max_size=64) | st.recursive(st.integers(), st.lists, max_leaves=3).map(pickle.dumps))
def test_a_file_that_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pth").write_bytes(content)
    every_reader(tmp_path / "a.pth")
