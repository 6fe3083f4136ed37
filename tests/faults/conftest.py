"""Uninterrupted runs to compare with, and signal handlers that don't outlive a test."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from whole_run import Whole

from admoe_monai.handlers.interruption import SIGNALS
from tiny_runs import SLICES


@pytest.fixture(scope="session")
def whole_3d(tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """An uninterrupted run of two epochs of each phase."""
    return Whole.make(tmp_path_factory.mktemp("whole_3d") / "run", tiny_cohort)


@pytest.fixture(scope="session")
def whole_2d(tiny_cohort_2d: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """As `whole_3d`, on slices."""
    return Whole.make(tmp_path_factory.mktemp("whole_2d") / "run", tiny_cohort_2d, **SLICES)


@pytest.fixture(
    scope="session", params=["whole_3d", pytest.param("whole_2d", marks=pytest.mark.faults)], ids=["3d", "2d"]
)
def each_whole(request: pytest.FixtureRequest) -> Whole:
    """As `whole`; the run on slices is left to the long version."""
    run: Whole = request.getfixturevalue(request.param)
    return run


@pytest.fixture(params=["whole_3d", "whole_2d"], ids=["3d", "2d"])
def whole(request: pytest.FixtureRequest) -> Whole:
    """Either of them."""
    run: Whole = request.getfixturevalue(request.param)
    return run


@pytest.fixture
def signals() -> Iterator[None]:
    """Whatever a run leaves in place for signals is undone."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
