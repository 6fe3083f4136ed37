"""`admoe preprocess` in this process, and what it leaves."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from admoe_monai.workflows.preprocessing.preprocess import preprocess


def run(cohort: Path, output: Path, **arguments: Any) -> Path | None:
    return preprocess(cohort, output, spacing_mm=3.0, **arguments)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def results(output: Path) -> dict[str, int]:
    """The image files and when each was written."""
    return {path.name: path.stat().st_mtime_ns for path in output.rglob("*_T1w.nii.gz")}
