"""Clinical values for scans that no datalist lists, from a table with one row per scan, visit or subject."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError

from .tables import EMPTY_CELLS, is_code, read_rows
from .visits import nearest

__all__ = ["attach_prior"]

logger = logging.getLogger(__name__)

KEYS = (("scan",), ("subject_id", "session_id"), ("subject_id",))


def attach_prior(
    scans: Sequence[Mapping[str, Any]], columns: Sequence[Mapping[str, Any]], table: str | Path | None = None
) -> list[dict[str, Any]]:
    """Give each scan its clinical values, and flags that say which of them are missing.

    Args:
        scans: as :func:`find_scans` returns them.
        columns: statistics of the prior columns in use; empty for a network without a prior.
        table: CSV or TSV file. Its rows are found by the column ``scan`` (the path below the folder of scans), or by
            ``subject_id`` and ``session_id``, or by ``subject_id`` alone; None leaves all values missing.

    Returns:
        The scans with ``prior`` (value per column, None = missing) and ``flags``: ``prior_absent``,
        ``prior_missing:<column>``, or ``prior_unknown:<column>`` for a category that training did not hold.

    Raises:
        UserError: If the table can't be read, fits no scan, lists one twice, or the network takes no clinical values.
    """
    if table is None:
        rows: dict[tuple[str, ...], dict[str, str]] = {}
        key: tuple[str, ...] = KEYS[0]
    elif not columns:
        raise UserError(f"this model takes no clinical values; leave prior_table {table} out")
    else:
        key, rows = _rows_by_key(Path(table), columns)
        fitting = {tuple(scan[name] for name in key) for scan in scans} & rows.keys()
        if not fitting:
            first = " ".join(scans[0][name] for name in key).strip() or "unknown"
            raise UserError(
                f"no row of prior_table {table} fits a scan by {' and '.join(key)}, which is {first} for the first scan"
            )
        if len(fitting) < len(rows):
            logger.warning("%d of %d rows of %s fit no scan", len(rows) - len(fitting), len(rows), table)
    return [_with_prior(scan, rows.get(tuple(scan[name] for name in key), {}), columns) for scan in scans]


def _rows_by_key(
    table: Path, columns: Sequence[Mapping[str, Any]]
) -> tuple[tuple[str, ...], dict[tuple[str, ...], dict[str, str]]]:
    rows = read_rows(table)
    header = list(rows[0])
    key = next((names for names in KEYS if set(names) <= set(header)), None)
    if key is None:
        raise UserError(f"prior_table {table} needs the column 'scan' or 'subject_id'; it has {', '.join(header)}")
    for column in columns:
        if column["name"] not in header:
            raise UserError(
                f"prior_table {table} has no column '{column['name']}'{nearest(column['name'], header)}; "
                "leave its cells empty where a value is unknown"
            )
    by_key: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        identity = tuple(row[name].strip() for name in key)
        if identity in by_key:
            raise UserError(f"prior_table {table} lists {' '.join(identity)} twice")
        by_key[identity] = row
    return key, by_key


def _with_prior(
    scan: Mapping[str, Any], row: Mapping[str, str], columns: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    prior: dict[str, Any] = {}
    missing, unknown = [], []
    for column in columns:
        name = column["name"]
        text = row.get(name, "").strip()
        prior[name] = None
        if text.lower() in EMPTY_CELLS:
            missing.append(name)
        elif column["kind"] == "continuous":
            # Text that is no number stays as it is: the transform refuses this scan and no other.
            prior[name] = text
        else:
            prior[name] = next((known for known in column["categories"] if is_code(text, known)), None)
            if prior[name] is None:
                unknown.append(name)
    if columns and len(missing) == len(columns):
        flags = ["prior_absent"]
    else:
        flags = [f"prior_missing:{name}" for name in missing] + [f"prior_unknown:{name}" for name in unknown]
    return {**scan, "prior": prior, "flags": flags}
