"""Rows of a datalist as a table of numbers, for the probes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from .contents import Content
from .entries import PRETRAINING, Entry, grouped

__all__ = ["ACQUISITION", "TIME", "encoded", "visit_table"]

#: Fields of a visit that say how it was scanned.
ACQUISITION = ("site", "scanner", "field_strength", "cohort")
TIME = ("visit_index", "days_from_baseline")
#: Rarer categories are put together.
MOST_CATEGORIES = 30


def visit_table(
    entries: Sequence[Entry],
    tasks: Sequence[str],
    prior: Sequence[str],
    contents: Mapping[str, Content] | None = None,
) -> pd.DataFrame:
    """Make a table with one row per row of the datalist.

    Args:
        entries: Rows; those of pretraining are left out.
        tasks: Fields that hold labels.
        prior: Names of the prior columns to include, as ``prior <name>``.
        contents: Contents of the images, for voxel size and shape; None leaves these out.

    Returns:
        Columns ``image`` (the place in the datalist, which is unique), ``subject_id`` (the person), ``session_id``,
        ``split``, one per task, those of ``TIME`` and ``ACQUISITION``, the prior and the header.
    """
    rows: list[dict[str, Any]] = []
    own = [entry for entry in entries if entry.split != PRETRAINING]
    order = _visit_index(own)
    for entry in own:
        visit = entry.visit
        row: dict[str, Any] = {
            "image": entry.place,
            "subject_id": entry.person,
            "session_id": entry.session,
            "split": entry.split,
        }
        row |= {name: visit.get(name) for name in (*tasks, *TIME, *ACQUISITION)}
        row["visit_index"] = order[entry.place]
        row |= {f"prior {name}": (visit.get("prior") or {}).get(name) for name in prior}
        content = (contents or {}).get(str(visit["image"]))
        if content is not None:
            row |= {f"voxels {axis}": number for axis, number in enumerate(content.shape)}
            row |= {f"voxel size {axis}": edge for axis, edge in enumerate(content.spacing)}
        rows.append(row)
    return pd.DataFrame(rows)


def encoded(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Turn columns into numbers: text into one column per category, constant columns into nothing.

    Args:
        table: Result of ``visit_table``.
        columns: Columns to convert.

    Returns:
        Numeric columns in the order of the rows, NaN where a number is missing; perhaps none.
    """
    parts: list[pd.DataFrame] = []
    for name in columns:
        values = table[name]
        if values.nunique(dropna=False) < 2:
            continue
        numbers = pd.to_numeric(values, errors="coerce")
        if (numbers.notna() | values.isna()).all():
            parts.append(numbers.astype(float).to_frame(name))
            continue
        text = values.astype("string").fillna("missing")
        common = text.value_counts().index[:MOST_CATEGORIES]
        parts.append(pd.get_dummies(text.where(text.isin(common), "other"), prefix=name, dtype=float))
    return pd.concat(parts, axis=1) if parts else pd.DataFrame(index=table.index)


def _visit_index(entries: Sequence[Entry]) -> dict[str, int]:
    order: dict[str, int] = {}
    for group in grouped(entries, lambda entry: entry.person).values():
        # Visits without a date follow in the order of their sessions.
        dated = sorted(
            group,
            key=lambda e: (float(days) if (days := e.visit.get("days_from_baseline")) is not None else 1e9, e.session),
        )
        order.update({entry.place: number for number, entry in enumerate(dated)})
    return order
