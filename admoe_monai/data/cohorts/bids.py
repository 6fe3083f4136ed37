"""A BIDS folder: participants.tsv, one sessions.tsv per subject, and T1w scans."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

from tqdm import tqdm

from admoe_monai.errors import UserError

from ..tables import read_rows
from ..visits import Visit
from .labels import DAYS_PER_MONTH
from .mapping import ColumnMapping

__all__ = ["read_bids", "read_description"]

logger = logging.getLogger(__name__)


def read_description(directory: str | Path) -> dict[str, Any]:
    """Read ``dataset_description.json``, or nothing where a folder has none.

    Args:
        directory: root of the BIDS folder.

    Raises:
        UserError: If the file is not valid JSON.
    """
    path = Path(directory) / "dataset_description.json"
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON: {error}") from error


def read_bids(directory: str | Path, mapping: ColumnMapping) -> tuple[list[Visit], list[dict[str, Any]], list[str]]:
    """Read the visits of a BIDS folder.

    Values in sessions.tsv win over those in participants.tsv. A diagnosis in participants.tsv can't follow a change, so
    it holds only for somebody who came once. Of several T1w scans in a session the first by name counts.

    Args:
        directory: root of the BIDS folder.
        mapping: what the columns mean.

    Returns:
        The visits (``image`` relative to the folder, ``None`` where a session has no scan), the prior columns, and the
        problems of the rows, one line each.

    Raises:
        UserError: If it is no BIDS folder, or a table can't be read or lacks a column that is needed.
    """
    root = Path(directory)
    if not (root / "participants.tsv").is_file():
        raise UserError(
            f"{root} is no BIDS folder: it has no participants.tsv (for a table, give --table and --images)"
        )
    visits: list[Visit] = []
    problems: list[str] = []
    columns: dict[str, None] = {}
    for person in tqdm(read_rows(root / "participants.tsv"), desc="reading BIDS", unit="subject", delay=1.0):
        subject = person.get("participant_id", "").strip()
        if not subject:
            raise UserError(f"{root / 'participants.tsv'} has a row without participant_id")
        for row in _sessions(root, subject, person, mapping):
            columns.update(dict.fromkeys(row))
            visit, wrong = mapping.to_visit(row, _scan(root, subject, row["session_id"]))
            problems.extend(f"{subject} {row['session_id']}: {problem}" for problem in wrong)
            visits.append(visit)
    mapping.check_columns(list(columns), str(root))
    _fill_days(visits)
    return visits, mapping.prior_columns(list(columns)), problems


def _sessions(root: Path, subject: str, person: dict[str, str], mapping: ColumnMapping) -> list[dict[str, str]]:
    table = root / subject / f"{subject}_sessions.tsv"
    rows = read_rows(table) if table.is_file() else []
    if rows and "session_id" not in rows[0]:
        raise UserError(f"{table} has no column 'session_id'")
    by_label = {_session_label(row["session_id"]): row for row in rows}
    if len(by_label) != len(rows):
        raise UserError(f"{table} lists a session twice")
    # A scan without a row is a visit all the same.
    for folder in sorted(path.name for path in (root / subject).glob("ses-*") if path.is_dir()):
        by_label.setdefault(folder, {})
    if len(by_label) > 1:
        diagnoses = mapping.columns_of("diagnosis")
        person = {name: "" if name in diagnoses else cell for name, cell in person.items()}
    return [{**person, **row, "session_id": label} for label, row in by_label.items()]


def _session_label(text: str) -> str:
    return text.strip() if text.strip().startswith("ses-") else f"ses-{text.strip()}"


def _scan(root: Path, subject: str, session: str) -> str | None:
    folder = root / subject / session / "anat"
    scans = sorted(path for path in folder.glob("*_T1w.nii*") if path.name.endswith((".nii", ".nii.gz")))
    if len(scans) > 1:
        logger.info("%s %s has %d T1w scans, taking %s", subject, session, len(scans), scans[0].name)
    return scans[0].relative_to(root).as_posix() if scans else None


def _fill_days(visits: list[Visit]) -> None:
    """Where no column gives days, take them from labels such as ``ses-M012`` (months), as Clinica names sessions."""
    for visit in visits:
        months = re.fullmatch(r"ses-M(\d+)", visit["session_id"])
        if visit["days_from_baseline"] is None and months is not None:
            visit["days_from_baseline"] = round(int(months[1]) * DAYS_PER_MONTH)
