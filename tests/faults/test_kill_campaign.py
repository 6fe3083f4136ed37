"""SIGKILL at random moments, to the command itself in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CAMPAIGN = Path(__file__).resolve().parents[2] / "scripts" / "faults" / "kill_campaign.py"


def campaign(output: Path, *options: str) -> dict[str, Any]:
    """Run it and return its summary."""
    command = [sys.executable, "-W", "ignore", str(CAMPAIGN), "--output", str(output), *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    summary: dict[str, Any] = json.loads((output / "summary.json").read_text())
    return summary


def test_three_kills_change_nothing(tmp_path: Path) -> None:
    assert campaign(tmp_path / "out", "--kills", "3")["kills by phase"]["all"]["number"] == 3


@pytest.mark.faults
@pytest.mark.parametrize(("dims", "workers"), [(3, 0), (3, 2), (2, 0), (2, 2)])
def test_a_hundred_kills_change_nothing(tmp_path: Path, dims: int, workers: int) -> None:
    options = ("--kills", "100", "--spatial_dims", str(dims), "--num_workers", str(workers))
    kills = campaign(tmp_path / "out", *options)["kills by phase"]
    assert kills["all"]["inside a save"] >= 10
    assert kills["pretrain"]["number"] >= 10
    assert kills["finetune"]["number"] >= 10


@pytest.mark.faults
def test_ten_kills_of_whole_processes_change_nothing(tmp_path: Path) -> None:
    campaign(tmp_path / "out", "--kills", "10", "--fresh")
