"""Whatever an overlay or a command line holds, its mistakes are found, each a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from admoe_monai.cli.settings import values_of, with_short_forms
from admoe_monai.workflows.settings.findings import findings
from admoe_monai.workflows.settings.names import declared_settings
from admoe_monai.workflows.settings.table import SETTINGS
from fuzzing import altered, mutated, plain_values, survives

OVERLAY: dict[str, Any] = {
    "batch_size": 2, "base_lr": 1.0e-3, "amp": None, "img_size": [96, 96, 96], "depths": [2, 2], "num_heads": [3, 6],
    "moe_stages": [1], "classes": {"diagnosis": ["CN", "AD"]}, "classes_sex": ["F", "M"], "task_weights": {"sex": 1.0},
    "phase_overlays": {"pretrain": ["a.yaml"]}, "network": {"encoder": {"embed_dim": 48}}, "left_out_labels": {"sex": ["X"]},
    "keep_checkpoints": "all", "experts": ["shared", "cn"], "name": "mine", "+imports": ["$import os"], "train::x": "@seed",
}  # fmt: skip
WORDS = (
    *SETTINGS,
    "diagnosis",
    "@seed",
    "$1 +",
    "$@seed * 2",
    "%a.yaml::b",
    "a#b",
    "_target_",
    "classes_sex",
    "weight_sex",
)
NAMES = st.sampled_from(sorted(SETTINGS)) | st.sampled_from(WORDS)
TYPED = st.text(max_size=12) | st.sampled_from(
    ["[1,2", "{'a': 1}", "None", "1e-4", "$HOME", "'a", "(1,", "@x", "1_000", "-1"]
)


def look(files: list[Path], given: dict[str, Any]) -> None:
    for finding in findings(files, given):
        assert str(finding)


@given(altered(OVERLAY, *WORDS))
def test_an_overlay_with_anything_in_it(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump(content))
    survives(lambda: look([path], {}))


@given(st.dictionaries(NAMES, plain_values(*WORDS), min_size=1, max_size=3))
def test_any_values_of_settings(tmp_path: Path, content: dict[str, Any]) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump(content))
    survives(lambda: look([path], {}))
    survives(lambda: look([], {**dict.fromkeys(declared_settings(), 1), **content}))


@given(mutated(yaml.safe_dump(OVERLAY).encode()), st.sampled_from(["a.yaml", "a.json"]))
def test_an_overlay_of_any_bytes(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    survives(lambda: look([tmp_path / name], {}))


@given(st.lists(st.builds("--{}".format, NAMES) | st.builds("--{}={}".format, NAMES, TYPED) | TYPED, max_size=5))
def test_any_words_of_a_command_line(tmp_path: Path, words: list[str]) -> None:
    survives(lambda: look([], values_of(with_short_forms(words, {})[1])))
