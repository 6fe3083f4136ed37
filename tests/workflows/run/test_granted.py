"""Cores and memory that a process may really use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from admoe_monai.workflows.run.granted import granted_cores, granted_memory, granted_threads

GIB = 2**30


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {*range(8)}, raising=False)


def machine(root: Path, groups: str, files: dict[str, str]) -> Path:
    """A root of a file system with the control groups of this process and their files."""
    for name, content in {"proc/self/cgroup": groups, **{f"sys/fs/cgroup/{k}": v for k, v in files.items()}}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def test_affinity_alone(tmp_path: Path) -> None:
    assert granted_cores({}, tmp_path) == 8


@pytest.mark.parametrize(
    ("groups", "files", "cores"),
    [
        ("0::/job\n", {"job/cpu.max": "300000 100000\n"}, 3),
        ("0::/slice/job\n", {"slice/cpu.max": "200000 100000\n", "slice/job/cpu.max": "max 100000\n"}, 2),
        ("0::/host/path\n", {"cpu.max": "400000 100000\n"}, 4),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "1600000 100000\n"}, 8),
        (
            "4:cpu,cpuacct:/job\n",
            {"cpu,cpuacct/job/cpu.cfs_quota_us": "500000\n", "cpu,cpuacct/job/cpu.cfs_period_us": "100000\n"},
            5,
        ),
        ("4:cpu:/job\n", {"cpu/job/cpu.cfs_quota_us": "-1\n", "cpu/job/cpu.cfs_period_us": "100000\n"}, 8),
        ("3:cpuset:/\n", {"cpuset/cpu.cfs_quota_us": "100000\n", "cpuset/cpu.cfs_period_us": "100000\n"}, 8),
    ],
)
def test_the_least_quota_of_a_group_and_those_above_it(
    groups: str, files: dict[str, str], cores: int, tmp_path: Path
) -> None:
    assert granted_cores({}, machine(tmp_path, groups, files)) == cores


def test_slurm_grants_a_task_its_own_cores(tmp_path: Path) -> None:
    assert granted_cores({"SLURM_CPUS_PER_TASK": "4"}, tmp_path) == 4
    assert granted_cores({"SLURM_CPUS_PER_TASK": "64"}, tmp_path) == 8


@pytest.mark.parametrize(
    ("environment", "threads"),
    [
        ({}, 8),
        ({"LOCAL_WORLD_SIZE": "3"}, 2),
        ({"LOCAL_WORLD_SIZE": "16"}, 1),
        ({"OMP_NUM_THREADS": "5", "LOCAL_WORLD_SIZE": "4", "SLURM_CPUS_PER_TASK": "4"}, 5),
        ({"OMP_NUM_THREADS": "3,2"}, 3),
        ({"OMP_NUM_THREADS": ""}, 8),
        ({"OMP_NUM_THREADS": "many"}, 8),
    ],
)
def test_threads_are_what_the_user_says_or_the_share_of_a_process(
    environment: dict[str, str], threads: int, tmp_path: Path
) -> None:
    assert granted_threads(environment, tmp_path) == threads


def test_memory_is_that_of_the_machine_or_what_a_group_leaves_of_it(tmp_path: Path) -> None:
    whole = granted_memory(tmp_path)
    assert whole > GIB / 4
    groups = {"a/memory.max": f"{GIB // 8}\n", "a/b/memory.max": "max\n"}
    assert granted_memory(machine(tmp_path, "0::/a/b\n", groups)) == GIB // 8
    first = {"memory/a/memory.limit_in_bytes": "9223372036854771712\n"}  # no limit, in the words of version 1
    assert granted_memory(machine(tmp_path, "4:memory:/a\n", first)) == whole
