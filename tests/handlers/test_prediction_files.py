from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Engine

from admoe_monai.errors import UserError
from admoe_monai.handlers import PredictionFiles

SCANS = [
    {"scan": name, "subject_id": "", "session_id": "", "flags": flags} for name, flags in (("a", ["x", "y"]), ("b", []))
]
GOOD = {"scan": "a", "problem": ""}


def run(folder: Path, batches: list[list[dict[str, str]]], value: float = 0.5) -> None:
    """Drive the handler by an engine whose outputs are as decollated as MONAI's."""
    weights = folder / "model.pt"
    weights.write_bytes(b"weights")

    def step(_: Engine, batch: list[dict[str, str]]) -> list[dict[str, Any]]:
        return [{"pred": torch.tensor([value, 1 - value], dtype=torch.float64)} for _ in batch]

    engine = Engine(step)
    PredictionFiles(folder / "out", SCANS, {"diagnosis": ["CN", "AD"]}, weights).attach(engine)
    engine.run(batches)


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_scan_has_a_row_in_one_of_the_two_files(tmp_path: Path) -> None:
    run(tmp_path, [[GOOD], [{"scan": "b", "problem": "scan b is empty"}]], value=0.25)
    (prediction,) = rows(tmp_path / "out/predictions.csv")
    assert (prediction["scan"], prediction["p_diagnosis_CN"], prediction["p_diagnosis_AD"]) == (
        "a",
        "0.250000",
        "0.750000",
    )
    assert prediction["flags"] == "x;y"
    assert rows(tmp_path / "out/errors.csv") == [{"scan": "b", "error": "scan b is empty"}]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["errors.csv", "predictions.csv"]


def test_output_that_is_not_finite_is_an_error(tmp_path: Path) -> None:
    run(tmp_path, [[GOOD, {**GOOD, "scan": "b"}]], value=float("nan"))
    assert rows(tmp_path / "out/predictions.csv") == []
    assert [row["scan"] for row in rows(tmp_path / "out/errors.csv")] == ["a", "b"]


def test_scan_without_a_row_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="1 of 2 scans have no row"):
        run(tmp_path, [[GOOD]])


def test_run_that_breaks_off_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        run(tmp_path, [[GOOD], [{"scan": "stranger", "problem": ""}]])
    assert list((tmp_path / "out").iterdir()) == []


def test_folder_that_can_not_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match="cannot make the folder"):
        run(tmp_path, [[GOOD]])
