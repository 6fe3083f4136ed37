"""Whatever a datalist holds, it is read or refused in a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from admoe_monai.data import load_datalist
from admoe_monai.data.other_labels import OtherLabels
from admoe_monai.data.visits import VISIT_FIELDS
from fuzzing import altered, mutated, survives

CLASSES = {"diagnosis": ("CN", "MCI", "AD"), "change": ("stable", "conversion")}
VISIT = {
    "image": "a.nii",
    "subject_id": "s",
    "session_id": "m0",
    "diagnosis": "CN",
    "change": None,
    "prior": {"age": 70},
}
CONTENT: dict[str, Any] = {
    "name": "c", "description": "", "simulated": True, "dataset_dir": ".",
    "label_definition": {"change": {"source": "rule"}}, "preprocessing": {"template": "none"},
    "prior": {"columns": [{"name": "age", "role": "clinical", "kind": "continuous", "n": 2, "mean": 1.0, "std": 2.0}]},
    "report": {"notes": []},
    "training": [VISIT, {**VISIT, "image": "b.nii", "subject_id": "t", "diagnosis": "AD", "change": "stable"}],
    "validation": [{**VISIT, "image": "c.nii", "subject_id": "u", "mask": "a.nii", "age": 3}], "test": [],
}  # fmt: skip
WORDS = (*VISIT_FIELDS, *CONTENT, "CN", "stable", "a.nii", "columns")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "abc":
        (tmp_path / f"{name}.nii").touch()
    return tmp_path


def read(path: Path) -> None:
    """As training reads it, with and without labels to leave out, and as the audit does."""
    datalist = load_datalist(path, None, CLASSES, True, OtherLabels({"diagnosis": ["MCI"]}, ["change"]))
    for split in datalist.splits:
        datalist.items(split)
        datalist.labelled(split)


def test_the_valid_datalist_is_read(folder: Path) -> None:
    (folder / "d.json").write_text(json.dumps(CONTENT))
    read(folder / "d.json")


@given(altered(CONTENT, *WORDS))
def test_a_datalist_with_anything_in_it(folder: Path, content: Any) -> None:
    (folder / "d.json").write_text(json.dumps(content))
    survives(lambda: read(folder / "d.json"))
    survives(lambda: load_datalist(folder / "d.json", refuse_overlaps=False))


@given(mutated(json.dumps(CONTENT).encode()))
def test_a_datalist_of_any_bytes(folder: Path, content: bytes) -> None:
    (folder / "d.json").write_bytes(content)
    survives(lambda: read(folder / "d.json"))
