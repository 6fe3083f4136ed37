"""Signals to a run, as schedulers and terminals send them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from injection import signal_at_step
from whole_run import Whole

from admoe_monai.handlers.interruption import SIGNALS
from admoe_monai.workflows.settings.resources import resource
from tiny_runs import TINY_SETTINGS


@pytest.mark.usefixtures("signals")
def test_after_an_interruption_signals_are_received_as_before(
    whole_3d: Whole, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal_at_step(monkeypatch, 1, signal.SIGTERM)
    with pytest.raises(SystemExit):
        whole_3d.start(tmp_path / "run")
    assert {number: signal.getsignal(number) for number in SIGNALS} == before


@pytest.mark.faults
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.usefixtures("signals")
def test_each_signal_saves_the_step_under_way(
    whole: Whole, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int
) -> None:
    signal_at_step(monkeypatch, 5, number)
    with pytest.raises(SystemExit):
        whole.start(tmp_path / "run")
    name = signal.Signals(number).name
    log = (tmp_path / "run" / "training.log").read_text()
    assert f"{name} received: state saved in interrupt_checkpoint.pth in epoch 1, step 2 of 3" in log


@pytest.mark.faults
@pytest.mark.parametrize("workers", [0, 2])
def test_a_signal_to_all_processes_is_answered_with_a_checkpoint(
    workers: int, each_cohort: dict[str, Any], tmp_path: Path
) -> None:
    settings = {**TINY_SETTINGS, **each_cohort, "run_dir": tmp_path / "run", "num_workers": workers}
    settings |= {"max_epochs": 400, "pretrain_epochs": 200, "patience": 0, "batch_size": 1}
    command = [sys.executable, "-m", "monai.bundle", "run", "training", "--config_file", resource("configs/train.yaml")]
    for name, value in settings.items():
        command += [f"--{name}", str(value)]
    with open(tmp_path / "output", "w") as output:
        run = subprocess.Popen(list(map(str, command)), stdout=output, stderr=output, start_new_session=True)
        while not (tmp_path / "run" / "checkpoint_epoch_2.pth").exists():
            assert run.poll() is None, (tmp_path / "output").read_text()
            time.sleep(0.1)
        # Schedulers and terminals signal the whole group, loader workers included.
        os.killpg(run.pid, signal.SIGTERM)
        assert run.wait(timeout=60) == 75
    assert "Traceback" not in (tmp_path / "output").read_text()
    assert (tmp_path / "run" / "interrupt_checkpoint.pth").exists()
