"""What goes on for long holds no more at its end than at its beginning; the whole of it: scripts/benchmarks/load.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from load_steps import epochs, grown, large_datalist, pruned, resumes

SLOW = pytest.mark.slow


@pytest.mark.parametrize("visits", [300, pytest.param(10_000, marks=SLOW)])
def test_a_datalist_of_many_visits_is_prepared_loaded_and_audited(tmp_path: Path, visits: int) -> None:
    assert len(large_datalist(tmp_path, visits)) == 4


@pytest.mark.parametrize("count", [40, pytest.param(1000, marks=SLOW)])
def test_checkpoints_that_are_pruned_leave_nothing_behind(tmp_path: Path, count: int) -> None:
    steps = pruned(tmp_path, count)
    assert grown(steps, {"memory_mib": 16, "files": 0, "threads": 0, "disk_mib": 0.01}) == []
    assert {path.name for path in tmp_path.glob("*.pth")} == {f"checkpoint_epoch_{count - n}.pth" for n in (1, 2, 3)}


@SLOW
@pytest.mark.parametrize(("work", "count"), [(epochs, 500), (resumes, 100)])
def test_a_long_run_and_a_long_chain_of_resumes_stay_level(
    tmp_path: Path, tiny_cohort: Path, work: Callable[..., list[dict[str, float]]], count: int
) -> None:
    assert grown(work(tmp_path / "run", tiny_cohort, count)) == []


def test_growth_is_named() -> None:
    steps = [{"memory_mib": 500.0 + n, "files": 10, "threads": 4 + n // 30} for n in range(40)]
    assert grown(steps) == ["memory_mib grew from 508 to 535 in 40 steps"]
    assert grown(steps[:10]) == []
