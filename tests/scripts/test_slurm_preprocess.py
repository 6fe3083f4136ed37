"""The SLURM script of preprocessing against stand-ins for `srun` and `admoe`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "slurm_preprocess.sh"

Job = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Run the script as SLURM would, from a copy in another folder."""
    commands = {
        "srun": '#!/bin/bash\n[ "$1 $2" = "--ntasks=1 --cpus-per-task=4" ] && shift 2\nexec "$@"\n',
        "admoe": '#!/bin/bash\nprintf "%s\\n" "$PWD" "$OMP_NUM_THREADS" "$@" > arguments\nexit "$CODE"\n',
    }
    (tmp_path / "bin").mkdir()
    for name, text in commands.items():
        path = tmp_path / "bin" / name
        path.write_text(text)
        path.chmod(0o755)
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "slurm_script").write_text(SCRIPT.read_text())

    def run(
        *arguments: str, code: int = 0, first: str | None = "1", count: str = "20"
    ) -> subprocess.CompletedProcess[str]:
        array = {
            "SLURM_ARRAY_TASK_ID": "3",
            "SLURM_ARRAY_TASK_MAX": "20",
            "SLURM_ARRAY_TASK_MIN": first,
            "SLURM_ARRAY_TASK_COUNT": count,
        }
        environment = {
            **os.environ,
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "SLURM_SUBMIT_DIR": str(tmp_path),
            "SLURM_CPUS_PER_TASK": "4",
            "CODE": str(code),
            **{name: value for name, value in array.items() if first is not None and value is not None},
        }
        command = ["bash", str(tmp_path / "spool" / "slurm_script"), *arguments]
        return subprocess.run(
            command, env=environment, cwd=tmp_path / "spool", text=True, capture_output=True, check=False
        )

    return run


def test_a_task_does_its_share(job: Job, tmp_path: Path) -> None:
    assert job("list.json", "out", "--spacing", "1.5").returncode == 0
    folder, threads, *arguments = (tmp_path / "arguments").read_text().splitlines()
    assert (folder, threads) == (str(tmp_path), "1")
    assert arguments == [
        *("preprocess", "list.json", "out", "--array", "3/20", "--num_workers", "4", "--spacing", "1.5"),
    ]


def test_its_code_is_passed_on(job: Job) -> None:
    assert job("list.json", "out", code=1).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "first"), [(("list.json",), "1"), (("list.json", "out"), "0"), (("list.json", "out"), None)]
)
def test_it_says_how_it_is_called(arguments: tuple[str, ...], first: str | None, job: Job, tmp_path: Path) -> None:
    done = job(*arguments, first=first)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: sbatch --array=1-N")
    assert not (tmp_path / "arguments").exists()


def test_an_array_with_gaps_is_refused_since_no_task_would_do_what_lies_in_them(job: Job, tmp_path: Path) -> None:
    assert job("list.json", "out", count="10").returncode == 2
    assert not (tmp_path / "arguments").exists()


def test_its_directives_come_before_its_first_command() -> None:
    text = SCRIPT.read_text()
    assert text.rindex("#SBATCH") < text.index("set -uo")
