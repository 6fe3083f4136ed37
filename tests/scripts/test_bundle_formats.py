"""The study of a bundle's formats finds them equal, and finds one that is not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from admoe_monai.workflows.bundles.export import export

SCRIPT = Path(__file__).parents[2] / "scripts" / "studies" / "bundle_formats.py"


def study(run: Path, bundle: Path, output: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", str(SCRIPT), str(run), str(bundle), "--scans", "5"]
    return subprocess.run([*command, "--output", str(output)], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_formats_are_held_against_the_trainer(tiny_run: Path, tmp_path: Path) -> None:
    bundle = export(tiny_run, tmp_path / "bundle")
    done = study(tiny_run, bundle, tmp_path / "formats.json")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "formats.json").read_text())
    values = report["clinical_values"]
    assert report["scans"] == 5
    assert list(values) == ["present", "partly missing", "absent"]
    assert 0 < values["partly missing"]["share_missing"] < values["absent"]["share_missing"] == 1
    assert all(len(state["largest_difference_of_logits"]) == 4 for state in values.values())

    weights = torch.load(bundle / "models/model.pt", weights_only=True)
    weights["head_change.weight"] += 0.01
    torch.save(weights, bundle / "models/model.pt")
    done = study(tiny_run, bundle, tmp_path / "formats.json")
    assert done.returncode == 1
    assert "above the limit: PyTorch with clinical values present" in done.stderr
    assert "onnx" not in done.stderr
