"""Page for a visual check of the registrations of a cohort: one file, pictures inside, flagged scans first."""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from admoe_monai.evaluation.pages.page import origin, render_page
from admoe_monai.evaluation.pages.wording import missing

__all__ = ["quality_page"]

_TEMPLATE = Path(__file__).with_name("quality_page.html")


def quality_page(
    title: str,
    rows: Sequence[Mapping[str, Any]],
    pictures: Sequence[bytes],
    columns: Sequence[str],
    meanings: Mapping[str, str],
    problems: Sequence[tuple[str, str]] = (),
) -> str:
    """Write the page.

    Args:
        title: Title, which names the cohort.
        rows: Values of each scan, with ``scan`` (its name), ``flags`` (words) and the numbers and words of ``columns``.
        pictures: PNG for each row.
        columns: Names of what is shown of a row, in this order.
        meanings: Sentence for each flag.
        problems: Scans that could not be processed, and what was wrong with each.

    Returns:
        HTML that loads nothing from elsewhere.
    """
    shown = [
        {
            "scan": row["scan"],
            "flags": row["flags"],
            "picture": base64.b64encode(picture).decode(),
            "cells": [{"name": name.replace("_", " "), **_cell(row[name])} for name in columns],
        }
        for row, picture in zip(rows, pictures, strict=True)
    ]
    shown.sort(key=lambda row: (not row["flags"], row["scan"]))
    counts = Counter(flag for row in rows for flag in row["flags"])
    return render_page(
        _TEMPLATE,
        title=title,
        origin=origin(),
        rows=shown,
        columns=shown[0]["cells"] if shown else [],
        meanings=meanings,
        problems=problems,
        flagged=sum(bool(row["flags"]) for row in rows),
        counts=counts.most_common(),
    )


def _cell(value: Any) -> dict[str, Any]:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return {"text": missing("not measured"), "number": False}
    text = f"{value:.3f}" if isinstance(value, float) else str(value).replace("_", " ")
    return {"text": text, "number": isinstance(value, int | float)}
