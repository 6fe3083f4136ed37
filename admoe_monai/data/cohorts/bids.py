"""A BIDS folder: participants.tsv, one sessions.tsv per subject, and T1w scans, raw or of a derivative."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from admoe_monai.errors import UserError

from ..tables import read_rows
from .days import fill_days
from .mapping import ColumnMapping
from .reading import Reading, Record

__all__ = ["BidsFolder", "read_description", "read_sessions", "session_months"]

SUFFIXES = (".nii.gz", ".nii", ".mgz")
#: Label of the only visit of a subject whose folder has no sessions.
ONLY_SESSION = "ses-1"

#: From subject and session to the scan, relative to the folder of images; None where there is none.
FindScan = Callable[[str, str], str | None]


@dataclass(frozen=True)
class BidsFolder:
    """A BIDS dataset.

    Args:
        directory: its root.
        mapping: what the columns mean.
        derivative: name of a folder below ``derivatives``, or any folder of the same layout, that holds the scans.
        prefer: parts of file names, such as ``acq-mprage``: of several T1w scans of a session the one that has the
            first of them counts, and the first by name among equals.
    """

    directory: Path
    mapping: ColumnMapping
    derivative: str | None = None
    prefer: Sequence[str] = ()

    def read(self) -> Reading:
        """Read the visits.

        Values in sessions.tsv win over those in participants.tsv. A diagnosis in participants.tsv can't follow a
        change, so it holds only for somebody who came once.

        Raises:
            UserError: If it is no BIDS folder, or a table can't be read or lacks a column that is needed.
        """
        root = Path(os.path.abspath(self.directory))
        images = self._images(root)
        several: list[str] = []

        def find(subject: str, session: str) -> str | None:
            scans = _scans(images, subject, session)
            if len(scans) > 1:
                several.append(f"{subject} {session}")
            return preferred(scans, self.prefer).relative_to(images).as_posix() if scans else None

        reading = read_sessions(root, self.mapping, find, images)
        about = read_description(root)
        reading.description = str(about.get("Name") or self.mapping.description)
        reading.simulated = bool(about.get("simulated", False))
        if reading.simulated:
            reading.label_source = "simulated"
            for record in reading.records:
                record.visit["label_source"] = record.visit["label_source"] and "simulated"
        if several:
            rule = f"preferring {', '.join(self.prefer)}, then" if self.prefer else "taking"
            reading.notes.append(
                f"{len(several)} sessions have several T1w scans ({', '.join(several[:3])}, …): {rule} the first by name"
            )
        return reading

    def _images(self, root: Path) -> Path:
        if self.derivative is None:
            return root
        for folder in (root / "derivatives" / self.derivative, Path(os.path.abspath(self.derivative))):
            if folder.is_dir():
                return folder
        raise UserError(f"there is no derivative '{self.derivative}': neither below {root}/derivatives nor as a folder")


def preferred(scans: Sequence[Path], prefer: Sequence[str]) -> Path:
    """The scan of a session that counts.

    Args:
        scans: at least one, of one session.
        prefer: see :class:`BidsFolder`.
    """
    return min(scans, key=lambda scan: (*(part not in scan.name for part in prefer), scan.name))


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


def read_sessions(root: Path, mapping: ColumnMapping, find: FindScan, images: Path) -> Reading:
    """Read who came when and with which diagnosis.

    Args:
        root: of the BIDS folder.
        mapping: what the columns mean.
        find: finds the scan of a session.
        images: folder that the scans' paths are relative to; it may have sessions that no table lists.

    Raises:
        UserError: If it is no BIDS folder, or a table can't be read or lacks a column that is needed.
    """
    if not (root / "participants.tsv").is_file():
        raise UserError(
            f"{root} is no BIDS folder: it has no participants.tsv (for a table, give --table and --images)"
        )
    records: list[Record] = []
    problems: list[str] = []
    columns: dict[str, None] = {}
    people = read_rows(root / "participants.tsv")
    for person in tqdm(people, desc="reading BIDS", unit="subject", delay=1.0, disable=None):
        subject = person.get("participant_id", "").strip()
        if not subject:
            raise UserError(f"{root / 'participants.tsv'} has a row without participant_id")
        for row in _session_rows(root, subject, person, mapping, images):
            columns.update(dict.fromkeys(row))
            session = row["session_id"]
            record, wrong = mapping.to_record(row, find(subject, session), f"{subject} {session}")
            record.months = session_months(session) if record.months is None else record.months
            records.append(record)
            problems.extend(wrong)
    mapping.check_columns(list(columns), str(root))
    fill_days(records)
    return Reading(
        name=root.name,
        root=images,
        records=records,
        columns=mapping.prior_columns(list(columns)),
        label_source=mapping.label_source,
        diagnosis_rule=mapping.diagnosis_rule,
        courses=mapping.courses,
        problems=problems,
    )


def session_months(session: str) -> float | None:
    """Months since the first visit in labels such as ``ses-M012``, as Clinica names sessions; None in others.

    Args:
        session: the label.
    """
    match = re.fullmatch(r"ses-[Mm](\d+)", session)
    return float(match[1]) if match else None


def _session_rows(
    root: Path, subject: str, person: dict[str, str], mapping: ColumnMapping, images: Path
) -> list[dict[str, str]]:
    table = root / subject / f"{subject}_sessions.tsv"
    rows = read_rows(table) if table.is_file() else []
    if rows and "session_id" not in rows[0]:
        raise UserError(f"{table} has no column 'session_id'")
    by_label = {_session_label(row["session_id"]): row for row in rows}
    if len(by_label) != len(rows):
        raise UserError(f"{table} lists a session twice")
    # A scan without a row is a visit all the same.
    for folder in sorted(path.name for path in (images / subject).glob("ses-*") if path.is_dir()):
        by_label.setdefault(folder, {})
    if not by_label and (images / subject / "anat").is_dir():
        by_label[ONLY_SESSION] = {}
    if len(by_label) > 1:
        diagnoses = mapping.columns_of("diagnosis")
        person = {name: "" if name in diagnoses else cell for name, cell in person.items()}
    scans = _scan_facts(root, subject)
    return [{**person, **scans.get(label, {}), **row, "session_id": label} for label, row in by_label.items()]


def _scan_facts(root: Path, subject: str) -> dict[str, dict[str, str]]:
    """Per session what scans.tsv says of its T1w scan, such as the day or the field strength."""
    facts: dict[str, dict[str, str]] = {}
    for table in sorted((root / subject).glob(f"ses-*/{subject}_ses-*_scans.tsv")):
        rows = [row for row in read_rows(table) if "_T1w" in row.get("filename", "")]
        if rows:
            facts[table.parent.name] = rows[0]
    return facts


def _session_label(text: str) -> str:
    return text.strip() if text.strip().startswith("ses-") else f"ses-{text.strip()}"


def _scans(images: Path, subject: str, session: str) -> list[Path]:
    folders = [images / subject / session / "anat"]
    if session == ONLY_SESSION:
        folders.append(images / subject / "anat")
    found = (path for folder in folders for path in folder.glob("*_T1w.*"))
    return sorted(path for path in found if path.name.endswith(SUFFIXES))
