"""A BIDS folder: participants.tsv, one sessions.tsv per subject, and T1w scans, raw or of a derivative."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from admoe_monai.errors import UserError

from ..tables import EMPTY_CELLS, Table, read_table_file
from ..visits import nearest
from .days import fill_days
from .mapping import ColumnMapping
from .reading import Reading, Record

__all__ = ["BidsFolder", "read_description", "read_sessions", "session_months"]

SUFFIXES = (".nii.gz", ".nii", ".mgz")
#: Label of the only visit of a subject whose folder has no sessions.
ONLY_SESSION = "ses-1"

PERSON, SESSION = "participant_id", "session_id"

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
        reading.notes += several_scans(several, self.prefer)
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


def several_scans(sessions: Sequence[str], prefer: Sequence[str]) -> list[str]:
    """Say by which rule a scan was chosen, where there was a choice.

    Args:
        sessions: that have several scans.
        prefer: see :class:`BidsFolder`.
    """
    if not sessions:
        return []
    rule = f"preferring {', '.join(prefer)}, then" if prefer else "taking"
    shown = ", ".join(sessions[:3]) + (", …" if len(sessions) > 3 else "")
    return [f"{len(sessions)} sessions have several T1w scans ({shown}): {rule} the first by name"]


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


def read_sessions(root: Path, mapping: ColumnMapping, find: FindScan, images: Path, folder: str = "") -> Reading:
    """Read who came when and with which diagnosis.

    A table that is wrong does not hide the next one: what is wrong with all of them is in the reading's problems.

    Args:
        root: of the BIDS folder.
        mapping: what the columns mean.
        find: finds the scan of a session.
        images: folder that the scans' paths are relative to.
        folder: below it, where the subjects' folders are; they may have sessions that no table lists.

    Raises:
        UserError: If it is no BIDS folder, or its tables lack a column that is needed.
    """
    people_table = root / "participants.tsv"
    if not people_table.is_file():
        raise UserError(
            f"{root} is no BIDS folder: it has no participants.tsv (for a table, give --table and --images)"
        )
    records: list[Record] = []
    problems: list[str] = []
    columns: dict[str, None] = {}
    people = _people(people_table, problems)
    for subject, person in tqdm(people.items(), desc="reading BIDS", unit="subject", delay=1.0, disable=None):
        for row, is_listed in _session_rows(root, subject, person, mapping, images / folder, problems):
            session = row[SESSION]
            scan = find(subject, session)
            if scan is None and not is_listed:
                continue  # a folder of another modality is no visit
            columns.update(dict.fromkeys(row))
            record, wrong = mapping.to_record(row, scan, f"{subject} {session}")
            record.months = session_months(session) if record.months is None else record.months
            records.append(record)
            problems.extend(wrong)
    try:
        mapping.check_columns(list(columns), str(root))
    except UserError as error:
        if not problems:
            raise
        problems.append(str(error))
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
        notes=_strangers(images / folder, people),
    )


def session_months(session: str) -> float | None:
    """Months since the first visit in labels such as ``ses-M012``, as Clinica names sessions; None in others.

    Args:
        session: the label.
    """
    match = re.fullmatch(r"ses-[Mm](\d+)", session)
    return float(match[1]) if match else None


def _people(path: Path, problems: list[str]) -> dict[str, dict[str, str]]:
    """Rows of participants.tsv by subject."""
    table = read_table_file(path)
    problems.extend(table.problems)
    if PERSON not in table.columns:
        raise UserError(_no_column(table, PERSON))
    return _by_name(table, PERSON, str.strip, problems)


def _session_rows(
    root: Path, subject: str, person: dict[str, str], mapping: ColumnMapping, folder: Path, problems: list[str]
) -> list[tuple[dict[str, str], bool]]:
    """Rows of a subject's sessions, and whether a table lists them."""
    by_label = _listed_sessions(root / subject / f"{subject}_sessions.tsv", problems)
    listed = set(by_label)
    months = {session_months(label) for label in by_label}
    # A scan without a row is a visit all the same.
    for label in sorted(path.name for path in (folder / subject).glob("ses-*") if path.is_dir()):
        if (month := session_months(label)) is None or month not in months:
            by_label.setdefault(label, {})
            months.add(month)
    if not by_label and (folder / subject / "anat").is_dir():
        by_label[ONLY_SESSION] = {}
    if len(by_label) > 1:
        diagnoses = mapping.columns_of("diagnosis")
        person = {name: "" if name in diagnoses else cell for name, cell in person.items()}
    scans = _scan_facts(root, subject, problems)
    return [
        ({**person, **scans.get(label, {}), **row, SESSION: label}, label in listed) for label, row in by_label.items()
    ]


def _listed_sessions(path: Path, problems: list[str]) -> dict[str, dict[str, str]]:
    table = _table(path, problems)
    if table is None:
        return {}
    if SESSION not in table.columns:
        problems.append(_no_column(table, SESSION))
        return {}
    return _by_name(table, SESSION, _session_label, problems)


def _by_name(
    table: Table, column: str, name_of: Callable[[str], str], problems: list[str]
) -> dict[str, dict[str, str]]:
    """Rows by the name in a column; one without a name, or with the name of an earlier one, is a problem."""
    found: dict[str, dict[str, str]] = {}
    lines: dict[str, int] = {}
    for line, row in zip(table.lines, table.rows, strict=True):
        if row[column].strip().lower() in EMPTY_CELLS:
            problems.append(f"{table.path} line {line}: column '{column}' is empty")
            continue
        name = name_of(row[column])
        if name in found:
            problems.append(f"{table.path} line {line}: '{name}' stands already at line {lines[name]}")
            continue
        found[name], lines[name] = row, line
    return found


def _scan_facts(root: Path, subject: str, problems: list[str]) -> dict[str, dict[str, str]]:
    """Per session what scans.tsv says of its T1w scan, such as the day or the field strength."""
    facts: dict[str, dict[str, str]] = {}
    for path in sorted((root / subject).glob(f"ses-*/{subject}_ses-*_scans.tsv")):
        table = _table(path, problems)
        rows = [] if table is None else [row for row in table.rows if "_T1w" in row.get("filename", "")]
        if rows:
            facts[path.parent.name] = rows[0]
    return facts


def _table(path: Path, problems: list[str]) -> Table | None:
    if not path.is_file():
        return None
    try:
        table = read_table_file(path)
    except UserError as error:
        problems.append(str(error))
        return None
    problems.extend(table.problems)
    return table


def _no_column(table: Table, column: str) -> str:
    columns = ", ".join(table.columns)
    return f"{table.path} has no column '{column}'{nearest(column, table.columns)} (columns {columns})"


def _strangers(folder: Path, people: Collection[str]) -> list[str]:
    """Say who has a folder and no row: nobody would miss their scans."""
    others = sorted(path.name for path in folder.glob("sub-*") if path.is_dir() and path.name not in people)
    if not others:
        return []
    shown = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
    return [f"{len(others)} subjects have a folder but no row in participants.tsv ({shown}): they are not read"]


def _session_label(text: str) -> str:
    return text.strip() if text.strip().startswith("ses-") else f"ses-{text.strip()}"


def _scans(images: Path, subject: str, session: str) -> list[Path]:
    folders = [images / subject / session / "anat"]
    if session == ONLY_SESSION:
        folders.append(images / subject / "anat")
    found = (path for folder in folders for path in folder.glob("*_T1w.*"))
    return sorted(path for path in found if path.name.endswith(SUFFIXES))
