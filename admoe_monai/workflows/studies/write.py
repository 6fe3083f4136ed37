"""The files of a study's report: one page, and one file of numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from admoe_monai.workflows.finished.output import OutputFolder

from .page import page_of_study

PAGE, NUMBERS = "report.html", "study.json"


def write_study(found: Mapping[str, Any], folder: Path) -> Path:
    """Write the page and the numbers.

    Args:
        found: Result of `pool_study`.
        folder: Folder of the study.

    Returns:
        Path of the page.
    """
    output = OutputFolder(folder)
    output.write(NUMBERS, json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return output.write(PAGE, page_of_study(found))
