"""What tests of cohorts write to disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from small_cohorts import make_bids_cohort, write_scan_file, write_table_file

WriteTable = Callable[[Path, Sequence[dict[str, Any]]], Path]
AddScan = Callable[..., Path]


@pytest.fixture
def write_table() -> WriteTable:
    """Write a CSV or TSV table of dictionaries."""
    return write_table_file


@pytest.fixture
def write_scan() -> Callable[..., Path]:
    """Write a small scan at a path."""
    return write_scan_file


@pytest.fixture
def add_scan() -> AddScan:
    """Write a T1w scan into a BIDS tree."""

    def add(root: Path, subject: str, session: str, suffix: str = "") -> Path:
        return write_scan_file(root / subject / session / "anat" / f"{subject}_{session}{suffix}_T1w.nii.gz")

    return add


@pytest.fixture
def bids_cohort(tmp_path: Path) -> Path:
    """BIDS folder of 20 subjects with three yearly visits; every fourth converts at the last."""
    return make_bids_cohort(tmp_path / "cohort")
