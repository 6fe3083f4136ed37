"""Cores that a process may really use."""

from __future__ import annotations

import joblib
import pytest

from admoe_monai.workflows.machine.granted import granted_cores, granted_threads


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Affinity and quota grant eight; finding that out is joblib's business."""
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)


def test_slurm_grants_a_task_its_own_cores() -> None:
    assert granted_cores({"SLURM_CPUS_PER_TASK": "4"}) == 4
    assert granted_cores({"SLURM_CPUS_PER_TASK": "64"}) == 8


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
def test_threads_are_what_the_user_says_or_the_share_of_a_process(environment: dict[str, str], threads: int) -> None:
    assert granted_threads(environment) == threads
