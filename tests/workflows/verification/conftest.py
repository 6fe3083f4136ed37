"""A finished run, and a copy of it to be altered."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tiny_runs import MICRO_PLAN, make_run


@pytest.fixture(scope="package")
def run(tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("verified") / "run", tiny_cohort, **MICRO_PLAN)


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "copy"))
