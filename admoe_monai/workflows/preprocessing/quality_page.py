"""Page for a visual check of the registrations of a cohort: one file, pictures inside, flagged scans first."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

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
        {**row, "picture": base64.b64encode(picture).decode()} for row, picture in zip(rows, pictures, strict=True)
    ]
    shown.sort(key=lambda row: (not row["flags"], row["scan"]))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["short"] = _short
    page = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    flagged = sum(bool(row["flags"]) for row in rows)
    return page.render(title=title, rows=shown, columns=columns, meanings=meanings, problems=problems, flagged=flagged)


def _short(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
