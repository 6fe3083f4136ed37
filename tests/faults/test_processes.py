"""One run in two processes, as torchrun starts it (gloo, on the CPU)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from admoe_monai.checkpoints import IncompatibleCheckpointError, read_checkpoint
from admoe_monai.workflows.verification.verify import verify
from run_comparison import assert_same_run, run_files
from tiny_runs import MICRO_PLAN, TINY_SETTINGS, make_run

ROOT = Path(__file__).resolve().parents[2]
# An odd number of steps per epoch and process: 6 visits in batches of 1, for two.
PLAN = {**TINY_SETTINGS, **MICRO_PLAN, "batch_size": 1}
OVERLAY = str(ROOT / "configs" / "overlays" / "multi_gpu.yaml")


class Processes:
    """Starts the same run in two processes."""

    def __init__(self, folder: Path, cohort: dict[str, Any]) -> None:
        self.settings = folder / "settings.yaml"
        self.settings.write_text(yaml.safe_dump({**PLAN, **cohort, "datalist": str(cohort["datalist"])}))

    def command(self, run: Path, *options: str, overlay: bool = True) -> list[str]:
        files = [str(ROOT / "configs" / "train.yaml"), str(self.settings), *([OVERLAY] if overlay else [])]
        launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
        entry = ["-m", "monai.bundle", "run", "training", "--config_file", str(files), "--run_dir", str(run)]
        return [*launch, *entry, *options]

    def start(self, run: Path, *options: str, **kwargs: Any) -> subprocess.Popen[str]:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        return subprocess.Popen(
            self.command(run, *options, **kwargs),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, run: Path, *options: str, **kwargs: Any) -> tuple[int, str]:
        process = self.start(run, *options, **kwargs)
        output, _ = process.communicate(timeout=300)
        return process.returncode, output


@pytest.fixture(scope="module")
def processes(each_cohort: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Processes:
    return Processes(tmp_path_factory.mktemp("settings"), each_cohort)


@pytest.fixture(scope="module")
def whole(processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two") / "run"
    status, output = processes.finish(folder)
    assert status == 0, output
    return folder


def descendants(pid: int) -> list[int]:
    """Process numbers of all children of a process, and of theirs (Linux)."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return children + [grandchild for child in children for grandchild in descendants(child)]


def until(whole: Path, folder: Path, epoch: int) -> Path:
    """A copy of a run directory as it was after an epoch of pretraining."""
    folder.mkdir()
    for name in ("config.yaml", "datalist.json", "metrics.csv", f"checkpoint_epoch_{epoch}.pth"):
        shutil.copy(whole / name, folder)
    return folder


def test_one_process_does_not_go_on_for_two(whole: Path, each_cohort: dict[str, Any], tmp_path: Path) -> None:
    folder = until(whole, tmp_path / "run", 0)
    choices = {**PLAN, **each_cohort, "phase_overlays": ["bundle/configs/distributed.yaml"], "resume": "auto"}
    with pytest.raises(IncompatibleCheckpointError, match="world_size 2, not 1"):
        make_run(folder, **choices)


def test_the_run_is_that_of_both(whole: Path) -> None:
    contents = read_checkpoint(whole / "checkpoint_epoch_0.pth")
    assert contents["epoch_length"] == 3
    assert contents["training_state"]["count"] == 6
    assert not any(name.startswith("module.") for name in contents["model_state_dict"])
    lines = (whole / "training.log").read_text().splitlines()
    assert sum("Epoch 3 of 3 [finetune]" in line for line in lines) == 1


def test_two_processes_go_on_bit_equal(processes: Processes, whole: Path, tmp_path: Path) -> None:
    folder = until(whole, tmp_path / "run", 1)
    status, output = processes.finish(folder, "--resume", "auto")
    assert status == 0, output
    earlier = whole.parent / "without_the_first"
    shutil.copytree(whole, earlier)
    (earlier / "checkpoint_epoch_0.pth").unlink()
    assert_same_run(folder, earlier)


@pytest.mark.slow
def test_epochs_of_two_processes_are_computed_again_in_two(whole: Path) -> None:
    before = run_files(whole)
    found = verify(whole, epochs=[3])
    assert [str(deviation) for deviation in found.deviations] == []
    assert [(done.first, done.last, done.begin) for done in found.replays] == [(3, 3, "checkpoint_epoch_2.pth")]
    assert run_files(whole) == before


@pytest.mark.slow
def test_two_processes_with_running_statistics_go_on_bit_equal(tiny_cohort: Path, tmp_path: Path) -> None:
    # Each process normalises its own batches, and a checkpoint holds the statistics of one of them.
    backbone = {
        "_target_": "monai.networks.blocks.Convolution", "spatial_dims": 3, "in_channels": 1, "out_channels": 4, "strides": 4,
        "norm": "batch",
    }  # fmt: skip
    encoder = {"_target_": "admoe_monai.networks.nets.FeatureMapEncoder", "num_features": 4, "backbone": backbone}
    network = {"encoder": encoder, "decoder": None, "fusion_stage": None}
    plan = {"datalist": tiny_cohort, "max_epochs": 2, "pretrain_epochs": 0, "network": network}
    processes, whole = Processes(tmp_path, plan), tmp_path / "whole"
    status, output = processes.finish(whole)
    assert status == 0, output
    folder = until(whole, tmp_path / "run", 0)
    status, output = processes.finish(folder, "--resume", "auto")
    assert status == 0, output
    assert_same_run(folder, whole)


@pytest.mark.faults
def test_processes_that_nothing_divides_the_work_among_are_refused(processes: Processes, tmp_path: Path) -> None:
    status, output = processes.finish(tmp_path / "run", overlay=False)
    assert status != 0
    assert "add configs/overlays/multi_gpu.yaml" in output
    assert not (tmp_path / "run").exists()


@pytest.mark.faults
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("file", ["checkpoint_epoch_0.pth", "checkpoint_epoch_1.pth", "checkpoint_epoch_2.pth"])
def test_two_processes_that_a_signal_ends_go_on_bit_equal(
    number: signal.Signals, file: str, processes: Processes, whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    process = processes.start(folder)
    deadline = time.monotonic() + 200
    while not (folder / file).exists():
        assert time.monotonic() < deadline, "the run did not get there"
        time.sleep(0.002)
    if number == signal.SIGKILL:
        # torchrun gives each of its processes a session of its own, so that killing the group would leave them running.
        for pid in (process.pid, *descendants(process.pid)):
            os.kill(pid, number)
    else:
        process.send_signal(number)
    process.communicate(timeout=100)
    assert process.returncode != 0
    status, output = processes.finish(folder, "--resume", "auto")
    assert status == 0, output
    assert "interrupt_checkpoint.pth" not in run_files(folder)
    assert_same_run(folder, whole)
