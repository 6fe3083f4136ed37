"""What a checkpoint may hold."""

from __future__ import annotations

import io
from collections import OrderedDict, defaultdict
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from admoe_monai.checkpoints import REQUIRED_KEYS, to_plain


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Nested(Enum):
    FOLDER = Path("a/b")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (Path("a/b"), "a/b"),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Nested.FOLDER, "a/b"),
        (OrderedDict(a=np.int64(1)), {"a": 1}),
        (defaultdict(list, {np.int64(1): [Path("x")]}), {1: ["x"]}),
        (torch.Size([2, 3]), (2, 3)),
        ((0.9, np.float64(0.95)), (0.9, 0.95)),
        (None, None),
    ],
)
def test_becomes_plain_python_of_the_same_value(value: Any, expected: Any) -> None:
    plain = to_plain(value)
    assert plain == expected
    assert type(plain) is type(expected)


def test_what_has_become_plain_loads_safely() -> None:
    value = {"a": np.mean([0.1, 0.2]), "b": [Path("x"), Colour.RED], "c": defaultdict(int, x=1), "d": Level.HIGH}
    value |= {"e": MetaTensor(torch.ones(2)), "f": torch.nn.Parameter(torch.ones(2)), "g": np.arange(3)}
    buffer = io.BytesIO()
    torch.save(to_plain(value), buffer)
    buffer.seek(0)
    loaded = torch.load(buffer, weights_only=True)
    assert loaded["a"] == pytest.approx(0.15)
    assert loaded["g"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("kind", [MetaTensor, torch.nn.Parameter])
def test_tensors_become_copies_of_the_plain_kind(kind: Any) -> None:
    source = kind(torch.zeros(3))
    plain = to_plain(source)
    with torch.no_grad():
        source += 1
    assert type(plain) is torch.Tensor
    assert not plain.requires_grad
    assert plain.tolist() == [0, 0, 0]


def test_array_is_copied() -> None:
    source = np.zeros(2)
    plain = to_plain(source)
    source += 1
    assert plain.tolist() == [0, 0]


@pytest.mark.parametrize("value", [object(), {1, 2}, len, np.datetime64("2020-01-01"), 1j])
def test_refuses_an_object_of_another_kind_and_says_where_it_is(value: Any) -> None:
    with pytest.raises(TypeError, match=r"checkpoint\.settings\.x\[1\] is a"):
        to_plain({"settings": {"x": [0, value]}})


def test_keys_of_the_contract_with_users_are_required() -> None:
    guide = {"epoch", "model_state_dict", "optimizer_state_dict", "scheduler_state_dict", "best_val_acc"}
    assert guide | {"is_pretrain", "phase", "decoder_removed"} <= REQUIRED_KEYS.keys()
