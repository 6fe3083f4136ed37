from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Engine

from admoe_monai.errors import UserError
from admoe_monai.inference import PredictionFiles

SCANS = [
    {"scan": name, "subject_id": "", "session_id": "", "flags": flags} for name, flags in (("a", ["x", "y"]), ("b", []))
]
GOOD = {"scan": "a", "problem": "", "quality": "{}"}


class Memory:
    """A journal that forgets when the process ends."""

    def __init__(self) -> None:
        self.finished: dict[str, dict[str, Any]] = {}

    def add(self, predictions: Sequence[Mapping[str, Any]]) -> None:
        self.finished |= {prediction["scan"]: dict(prediction) for prediction in predictions}


def run(folder: Path, batches: list[list[dict[str, str]]], value: float = 0.5, journal: Memory | None = None) -> None:
    """Drive the handler by an engine whose outputs are as decollated as MONAI's."""
    weights = folder / "model.pt"
    weights.write_bytes(b"weights")

    def step(_: Engine, batch: list[dict[str, str]]) -> list[dict[str, Any]]:
        return [{"pred": torch.tensor([value, 1 - value], dtype=torch.float64)} for _ in batch]

    engine = Engine(step)
    PredictionFiles(folder / "out", SCANS, {"diagnosis": ["CN", "AD"]}, weights, journal or Memory()).attach(engine)
    engine.run(batches)


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_scan_has_a_row_in_one_of_the_two_files(tmp_path: Path) -> None:
    run(tmp_path, [[GOOD], [{"scan": "b", "problem": "scan b is empty", "quality": "{}"}]], value=0.25)
    (prediction,) = rows(tmp_path / "out/predictions.csv")
    assert (prediction["scan"], prediction["p_diagnosis_CN"], prediction["p_diagnosis_AD"]) == (
        "a",
        "0.250000",
        "0.750000",
    )
    assert prediction["flags"] == "x;y"
    assert rows(tmp_path / "out/errors.csv") == [{"scan": "b", "error": "scan b is empty"}]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "errors.csv",
        "predictions.csv",
        "predictions.json",
    ]


def test_output_that_is_not_finite_is_an_error(tmp_path: Path) -> None:
    run(tmp_path, [[GOOD, {**GOOD, "scan": "b"}]], value=float("nan"))
    assert rows(tmp_path / "out/predictions.csv") == []
    assert [row["scan"] for row in rows(tmp_path / "out/errors.csv")] == ["a", "b"]


def test_scan_without_a_row_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="1 of 2 scans have neither"):
        run(tmp_path, [[GOOD]])


def test_run_that_breaks_off_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        run(tmp_path, [[GOOD], [{"scan": "stranger", "problem": "", "quality": "{}"}]])
    assert list((tmp_path / "out").iterdir()) == []


def test_folder_that_can_not_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match="cannot make the folder"):
        run(tmp_path, [[GOOD]])


def test_what_the_transforms_found_goes_along(tmp_path: Path) -> None:
    quality = {"flags": ["poor_coverage"], "distance": 1.234, "state": "raw", "measures": {"scale": 0.9}}
    sound = {**GOOD, "quality": json.dumps(quality)}
    run(tmp_path, [[sound], [{"scan": "b", "problem": "broken", "quality": "{}"}]])
    (row,) = rows(tmp_path / "out/predictions.csv")
    assert (row["flags"], row["distance_from_training"]) == ("x;y;poor_coverage", "1.23")
    content = json.loads((tmp_path / "out/predictions.json").read_text())
    (prediction,) = content["predictions"]
    assert prediction["probabilities"] == {"diagnosis": {"CN": 0.5, "AD": 0.5}}
    assert (prediction["measures"], prediction["state"]) == ({"scale": 0.9}, "raw")
    assert content["errors"] == [{"scan": "b", "error": "broken"}]
    assert content["classes"] == {"diagnosis": ["CN", "AD"]}
    assert content["model_sha256"] == row["model_sha256"]


def test_rows_of_an_earlier_run_are_written_again_in_the_order_of_the_scans(tmp_path: Path) -> None:
    journal = Memory()
    run(tmp_path, [[GOOD, {**GOOD, "scan": "b"}]], journal=journal)
    before = (tmp_path / "out/predictions.csv").read_bytes()
    del journal.finished["a"]
    run(tmp_path, [[GOOD]], journal=journal)
    assert (tmp_path / "out/predictions.csv").read_bytes() == before


def test_sets_stand_between_probabilities_and_flags(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"weights")
    engine = Engine(lambda _, batch: [{"pred": torch.tensor([0.25, 0.75], dtype=torch.float64)} for _ in batch])
    classes, thresholds = {"diagnosis": ["CN", "AD"]}, [[0.25, 0.76]]
    PredictionFiles(tmp_path / "out", SCANS[:1], classes, tmp_path / "model.pt", Memory(), thresholds).attach(engine)
    engine.run([[GOOD]])
    (row,) = rows(tmp_path / "out/predictions.csv")
    assert [*row][3:7] == ["p_diagnosis_CN", "p_diagnosis_AD", "diagnosis_set", "flags"]
    assert row["diagnosis_set"] == "CN"
    with pytest.raises(ValueError, match="shorter"):
        PredictionFiles(tmp_path / "out", SCANS, classes, tmp_path / "model.pt", Memory(), [[0.5]])
