"""Subjects of a BIDS folder: rows of the tables joined with the folders that hold the scans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..tables import EMPTY_CELLS
from .bids_counts import SubjectCounts
from .bids_sessions import ONLY_SESSION, Sessions, match_sessions
from .bids_tables import FILE_NAME, PERSON, SESSION, People, Row, read_scan_facts, read_sessions
from .mapping import ColumnMapping
from .names import name_key, session_months
from .reading import Reading
from .t1w import ScanChoice

__all__ = ["ScanTree", "SubjectReader"]


@dataclass(frozen=True)
class ScanTree:
    """Folders of subjects that hold scans.

    Args:
        root: Folder that paths of scans are relative to.
        subjects: Folder of the subjects' folders, the root or below it.
        scans: Function from a session's folder to its T1w scans.
        choice: Rule that chooses among them.
    """

    root: Path
    subjects: Path
    scans: Callable[[Path], list[Path]]
    choice: ScanChoice


@dataclass
class SubjectReader:
    """A reader that adds one subject after the other to a reading.

    Args:
        root: The BIDS folder.
        people: Rows of participants.tsv.
        mapping: Meaning of the columns.
        tree: Folders with the scans.
        reading: Receiver of the visits and problems.

    Attributes:
        columns: Columns of all tables read so far.
        counts: Remarks that concern many subjects.
    """

    root: Path
    people: People
    mapping: ColumnMapping
    tree: ScanTree
    reading: Reading
    columns: list[str] = field(init=False)
    counts: SubjectCounts = field(init=False, default_factory=SubjectCounts)

    def __post_init__(self) -> None:
        self.columns = [PERSON, SESSION, *self.people.columns]

    def read(self, subject: str) -> None:
        """Read the visits of a subject, with a visit without an image where a table lists one that has no scan.

        Args:
            subject: Label, such as ``sub-01``.
        """
        table = self.root / subject / f"{subject}_sessions.tsv"
        rows = read_sessions(table, self.mapping, self.people.visits.get(subject, {}), self.reading.problems)
        place = self.tree.subjects / subject
        sessions = self._sessions(subject, rows, place)
        if sessions.problems:
            return
        if not sessions.folders:
            if self.people.path is None:
                self.counts.scanless.append(subject)
                return
            sessions.folders = {ONLY_SESSION: None}
        names = {
            label: f"{subject} {label}" if rows or folder is not None else subject
            for label, folder in sessions.folders.items()
        }
        scans = {
            label: None if folder is None else self.tree.choice.choose(self.tree.scans(folder), names[label])
            for label, folder in sessions.folders.items()
        }
        person = self.people.rows[subject]
        if len(sessions.folders) > 1:
            person = self._without_diagnosis(subject, person, sum(scan is not None for scan in scans.values()))
        facts = read_scan_facts(self.root / subject, self.mapping, self.reading.problems)
        for label, folder in sessions.folders.items():
            name, scan = names[label], scans[label]
            fact = _of_scan(facts.get("" if folder == place else name_key(label), []), scan)
            self._add(name, {**person, **fact, **rows.get(label, {}), PERSON: subject, SESSION: label}, scan)
            if scan is None:
                self.reading.records[-1].absence = _absence(label if rows else "", folder, place, sessions)
                if folder is None and sessions.strays:
                    self.counts.unmatched.append(name)

    def _sessions(self, subject: str, rows: dict[str, Row], place: Path) -> Sessions:
        below = sorted(path for path in place.glob("*") if path.is_dir())
        has_scan = {path: bool(self.tree.scans(path)) for path in below}
        folders = {path: found for path, found in has_scan.items() if found or path.name.startswith("ses-")}
        sessions = match_sessions(list(rows), folders, place if self.tree.scans(place) else None)
        self.reading.problems += [f"{subject}: {problem}" for problem in sessions.problems]
        self.counts.has_loss |= bool(sessions.problems)
        if sessions.unplaced:
            self.counts.unplaced.append(subject)
        return sessions

    def _without_diagnosis(self, subject: str, person: Row, scanned: int) -> Row:
        """Cells of a subject with several visits, without the diagnosis: it belongs to an unknown one of them.

        A listed visit counts even without a scan: which scans exist does not tell when the diagnosis was made.
        """
        diagnoses = [name for name in self.mapping.columns_of("diagnosis") if name in person]
        if any(person[name].strip().lower() not in EMPTY_CELLS for name in diagnoses):
            self.counts.put_aside.append(subject)
            if scanned < 2:
                self.counts.scanned_once.append(subject)
        return {**person, **dict.fromkeys(diagnoses, "")}

    def _add(self, name: str, row: Row, scan: Path | None) -> None:
        self.columns += [column for column in row if column not in self.columns]
        image = None if scan is None else scan.relative_to(self.tree.root).as_posix()
        record, wrong = self.mapping.to_record(row, image, name)
        record.months = session_months(row[SESSION]) if record.months is None else record.months
        self.reading.records.append(record)
        self.reading.problems += wrong


def _of_scan(facts: list[Row], scan: Path | None) -> Row:
    """Row of scans.tsv that names the scan, else the first one."""
    named = (row for row in facts if scan is not None and row[FILE_NAME].endswith(scan.name))
    return next(named, next(iter(facts), {}))


def _absence(label: str, folder: Path | None, place: Path, sessions: Sessions) -> str:
    """Reason why a visit has no image."""
    if folder is not None:
        return f"no T1w scan in {folder}"
    if not place.is_dir():
        return f"there is no folder {place}"
    if not label:
        return f"no T1w scan in {place}"
    strays = f" ({' and '.join(sessions.strays)} has a scan, and no table lists it)" if sessions.strays else ""
    return f"there is no folder {place / label}{strays}"
