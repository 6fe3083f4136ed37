"""Made-up cohorts and finished runs on them, made anew in every test session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tiny_runs import make_cohort, make_run, write_scan


@pytest.fixture(scope="session")
def tiny_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The datalist of a made-up cohort of twelve volumes; the folder is a BIDS tree. Not to be written to."""
    return make_cohort(tmp_path_factory.mktemp("cohort_3d"))


@pytest.fixture(scope="session")
def tiny_cohort_2d(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The datalist of a made-up cohort of twelve slices. Not to be written to."""
    return make_cohort(tmp_path_factory.mktemp("cohort_2d"), spatial_dims=2)


@pytest.fixture(scope="session")
def tiny_run(tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run directory, one epoch of each phase with a clinical prior. Not to be written to: copy it."""
    return make_run(tmp_path_factory.mktemp("run_3d") / "run", tiny_cohort)


@pytest.fixture(scope="session")
def tiny_run_2d(tiny_cohort_2d: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `tiny_run`, for slices of three channels and without a clinical prior."""
    folder = tmp_path_factory.mktemp("run_2d") / "run"
    return make_run(folder, tiny_cohort_2d, spatial_dims=2, in_channels=3, use_clinical_prior=False)


@pytest.fixture(scope="session")
def make_scan() -> Callable[..., Path]:
    """`write_scan`, for tests of what reads scans."""
    return write_scan
