from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from admoe_monai.checkpoints import read_checkpoint, state_digest, write_checkpoint
from admoe_monai.checkpoints.digest import STATE, leaves


def test_a_state_in_memory_and_in_its_file_have_one_digest(tiny_run: Path, tmp_path: Path) -> None:
    contents: dict[str, Any] = dict(read_checkpoint(tiny_run / "final_model.pth"))
    name = next(iter(contents["model_state_dict"]))
    live = {
        **contents,
        "model_state_dict": {n: v.t().t() for n, v in contents["model_state_dict"].items() if v.ndim < 3},
    }
    live["model_state_dict"] = {
        **contents["model_state_dict"],
        name: torch.nn.Parameter(contents["model_state_dict"][name]),
    }
    write_checkpoint(tmp_path / "file.pth", live)
    assert state_digest(live) == state_digest(read_checkpoint(tmp_path / "file.pth")) == state_digest(contents)


def test_the_order_of_names_does_not_matter_and_what_is_no_state_neither(tiny_run: Path) -> None:
    contents: dict[str, Any] = dict(read_checkpoint(tiny_run / "final_model.pth"))
    turned = dict(reversed(contents.items())) | {"environment": {}, "settings": {}, "parent": "elsewhere"}
    turned["model_state_dict"] = dict(reversed(contents["model_state_dict"].items()))
    assert state_digest(turned) == state_digest(contents)


def altered(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        bits = value.clone().reshape(-1).view(torch.uint8)
        if len(bits) == 0:
            return torch.zeros(1)
        bits[0] ^= 1
        return bits.view(value.dtype).reshape(value.shape)
    return f"{value} altered"


def test_every_entry_of_a_state_counts(tiny_run: Path) -> None:
    contents: dict[str, Any] = dict(read_checkpoint(tiny_run / "final_model.pth"))
    state = {key: contents[key] for key in STATE if key in contents}
    before, entries = state_digest(state), list(leaves(state))
    assert {name.partition(".")[0].partition("[")[0] for name, _ in entries} == state.keys()
    # Each leaf in turn, put in its place in a flat state: the digest walks through nested and flat ones alike.
    flat = {"training_state": dict(entries)}
    whole = state_digest(flat)
    for name, value in entries:
        assert state_digest({"training_state": {**flat["training_state"], name: altered(value)}}) != whole, name
    assert state_digest(state) == before


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (1, True), (0.0, -0.0), (None, "None"), ([], {}), (torch.zeros(2, 3), torch.zeros(3, 2)),
     (torch.zeros(2), torch.zeros(2, dtype=torch.int32)), ([1, [2]], [[1], 2])],
)  # fmt: skip
def test_values_that_look_alike_are_told_apart(one: Any, other: Any) -> None:
    digests = [state_digest({"training_state": {"value": value}}) for value in (one, other)]
    assert digests[0] != digests[1]


def test_an_array_among_further_states_has_the_digest_of_its_file(tiny_run: Path, tmp_path: Path) -> None:
    contents: dict[str, Any] = dict(read_checkpoint(tiny_run / "final_model.pth"))
    live = {**contents, "further": {"mine": {"counts": np.arange(3), "mean": np.float64(0.1), "path": Path("a")}}}
    write_checkpoint(tmp_path / "file.pth", live)
    assert state_digest(live) == state_digest(read_checkpoint(tmp_path / "file.pth"))
