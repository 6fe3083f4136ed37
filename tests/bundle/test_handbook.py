"""The Python of docs/bundle.md, run as it stands there."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow

from admoe_monai.workflows.bundles.export import export

HANDBOOK = Path(__file__).parents[2] / "docs" / "bundle.md"
BLOCKS = re.findall(r"```python\n(.*?)```", HANDBOOK.read_text(encoding="utf-8"), re.DOTALL)


def block(marker: str) -> str:
    """The one block that holds a piece of code."""
    (found,) = [text for text in BLOCKS if marker in text]
    return found


@pytest.fixture(scope="module")
def bundle(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tiny_run, tmp_path_factory.mktemp("handbook") / "bundle", reference_scans=0)


@pytest.fixture
def names(bundle: Path, tiny_cohort: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the first block leaves behind: the two inputs of the network."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    found = {"bundle": bundle, "scans": tiny_cohort.parent}
    run(block("sys.path.insert"), found)
    return found


def run(text: str, names: dict[str, Any]) -> None:
    # The made-up scans are no brains.
    text = text.replace('"device": "cpu"', '"device": "cpu", "screening": False')
    code = text.replace("BUNDLE", str(names["bundle"])).replace("SCANS", str(names["scans"]))
    exec(code, names)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*")
def test_every_format_gives_the_same_logits_with_and_without_values(names: dict[str, Any]) -> None:
    assert names["prior"].isnan().all()
    for encoded in (False, True):
        if encoded:
            run(block("encode_prior"), names)
            assert names["prior"].isnan().any()
            assert not names["prior"].isnan().all()
        run(block('model.pt"'), names)
        expected = names["logits"]
        assert expected.shape == (1, 6)
        for marker in ("model.ts", "model.onnx", "model.pt2"):
            run(block(marker), names)
            np.testing.assert_allclose(np.asarray(names["logits"]), expected, atol=1e-4, rtol=0)


def test_probabilities_are_those_of_the_table(
    names: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(block('model.pt"'), names)
    capsys.readouterr()
    run(block("probabilities = "), names)
    printed = dict(line.split(": ") for line in capsys.readouterr().out.splitlines())
    bundle = names["bundle"]
    workflow = ConfigWorkflow(
        str(bundle / "configs/inference.json"), workflow_type="inference", run_id="inference", logging_file=False,
        bundle_root=str(bundle), dataset_dir=str(names["scans"]), output_dir=str(tmp_path), device="cpu", screening=False,
    )  # fmt: skip
    workflow.initialize()
    workflow.run()
    with open(tmp_path / "predictions.csv", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["scan"] == names["item"]["scan"])
    table = {name.replace("p_", "", 1).replace("_", " ", 1): value for name, value in row.items() if name[:2] == "p_"}
    assert printed.keys() == table.keys()
    for name, value in printed.items():
        assert float(value) == pytest.approx(float(table[name]), abs=1e-3)


def test_blocks_are_short(bundle: Path) -> None:
    assert len(BLOCKS) == 7
    assert all(len(text.strip().splitlines()) <= 10 for text in BLOCKS)
    assert torch.load(bundle / "models/model.pt", weights_only=True)
