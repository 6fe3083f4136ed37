"""The SLURM script against stand-ins for `srun`, `scontrol` and the training."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "slurm_train.sh"

# Waits for a signal unless it is told to end at once; a moment passes before it leaves, as a save does.
TRAINING = """\
import os, signal, sys, time
from pathlib import Path

def received(number, frame):
    with open("signals", "a") as file:
        file.write(signal.Signals(number).name + "\\n")
    time.sleep(0.3)
    sys.exit(int(os.environ["CODE"]))

signal.signal(signal.SIGUSR1, received)
signal.signal(signal.SIGTERM, received)
Path("arguments").write_text("\\n".join(sys.argv[1:]))
if "WAIT" not in os.environ:
    sys.exit(int(os.environ["CODE"]))
while True:
    time.sleep(0.05)
"""

Job = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Start the script as SLURM would."""
    commands = {
        "srun": '#!/bin/bash\n[ "$1 $2" = "--ntasks=1 --cpus-per-task=1" ] && shift 2\nexec "$@"\n',
        "scontrol": f'#!/bin/bash\necho "$@" >> {tmp_path}/requeued\n',
        "python": f"#!{sys.executable}\n{TRAINING}",
    }
    (tmp_path / "bin").mkdir()
    for name, text in commands.items():
        path = tmp_path / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def start(code: int, wait: bool = False, arguments: tuple[str, ...] = ("runs/one",)) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "SLURM_JOB_ID": "4711",
            "SLURM_SUBMIT_DIR": str(tmp_path),
            "CODE": str(code),
            **({"WAIT": "yes"} if wait else {}),
        }
        # As SLURM does, from a copy of the file in another folder.
        spool = tmp_path / "spool"
        spool.mkdir()
        copy = spool / "slurm_script"
        copy.write_text(SCRIPT.read_text())
        process = subprocess.Popen(
            ["bash", str(copy), *arguments], env=environment, cwd=spool, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 20
        while not (tmp_path / "arguments").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        return process

    return start


def requeued(folder: Path) -> list[str]:
    path = folder / "requeued"
    return path.read_text().splitlines() if path.exists() else []


def test_the_training_is_asked_to_go_on_in_its_folder(job: Job, tmp_path: Path) -> None:
    process = job(0, arguments=("runs/one", "--max_epochs", "4"))
    process.communicate(timeout=20)
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert arguments[-6:] == ["--resume", "auto", "--run_dir", "runs/one", "--max_epochs", "4"]
    assert "configs/train.yaml" in arguments


@pytest.mark.parametrize("code", [0, 1, 2, 137])
def test_any_code_but_75_ends_the_job_with_it(code: int, job: Job, tmp_path: Path) -> None:
    process = job(code)
    process.communicate(timeout=20)
    assert process.returncode == code
    assert requeued(tmp_path) == []


def test_code_75_requeues_the_job_once(job: Job, tmp_path: Path) -> None:
    process = job(75)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert requeued(tmp_path) == ["requeue 4711"]
    assert "requeueing job 4711" in output


def test_the_signal_before_the_limit_reaches_the_training_while_it_runs(job: Job, tmp_path: Path) -> None:
    process = job(75, wait=True)
    process.send_signal(signal.SIGUSR1)
    process.communicate(timeout=20)
    assert (tmp_path / "signals").read_text().split() == ["SIGUSR1"]
    assert requeued(tmp_path) == ["requeue 4711"]


def test_a_training_that_the_signal_finds_finished_is_not_requeued(job: Job, tmp_path: Path) -> None:
    process = job(0, wait=True)
    process.send_signal(signal.SIGUSR1)
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert requeued(tmp_path) == []


def test_an_error_after_the_signal_is_passed_on(job: Job, tmp_path: Path) -> None:
    process = job(1, wait=True)
    process.send_signal(signal.SIGUSR1)
    process.communicate(timeout=20)
    assert process.returncode == 1
    assert requeued(tmp_path) == []


def test_a_cancelled_job_saves_and_is_not_requeued(job: Job, tmp_path: Path) -> None:
    process = job(75, wait=True)
    # SLURM signals the step and the shell; the training must hear it once, since a second signal ends it at once.
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate(timeout=20)
    assert (tmp_path / "signals").read_text().split() == ["SIGTERM"]
    assert process.returncode == 75
    assert requeued(tmp_path) == []


def test_without_a_run_directory_it_says_how_it_is_called(job: Job, tmp_path: Path) -> None:
    process = job(0, arguments=())
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 2
    assert output.startswith("usage: sbatch")


def test_slurm_is_asked_for_the_signal_and_for_the_right_to_requeue() -> None:
    directives = [line.split()[1] for line in SCRIPT.read_text().splitlines() if line.startswith("#SBATCH")]
    assert "--signal=B:USR1@300" in directives
    assert {"--requeue", "--open-mode=append"} <= {*directives}
    # SLURM stops reading directives at the first command.
    text = SCRIPT.read_text()
    assert text.rindex("#SBATCH") < text.index("set -uo")
