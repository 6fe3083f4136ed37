"""The visits of a BIDS folder: people and sessions of its tables, joined with the folders that hold their scans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from admoe_monai.errors import UserError

from ..tables import EMPTY_CELLS
from ..visits import nearest
from .bids_counts import SubjectCounts
from .bids_sessions import ONLY_SESSION, Sessions, match_sessions
from .bids_tables import FILE_NAME, PERSON, SESSION, People, read_people, read_scan_facts, read_sessions
from .columns import unread_columns
from .days import fill_days
from .mapping import ColumnMapping
from .names import is_alike, name_key, session_months
from .reading import Reading
from .reserves import reserve_notes
from .t1w import ScanChoice, shown

__all__ = ["ScanTree", "read_visits"]


@dataclass(frozen=True)
class ScanTree:
    """Folders of subjects that hold scans.

    Args:
        root: folder that paths of scans are relative to.
        subjects: folder of the subjects' folders, the root or below it.
        scans: finds the T1w scans of a session by its folder.
        choice: chooses among them.
    """

    root: Path
    subjects: Path
    scans: Callable[[Path], list[Path]]
    choice: ScanChoice


def read_visits(root: Path, mapping: ColumnMapping, tree: ScanTree) -> Reading:
    """Read who came when and with which diagnosis, and where the scans are.

    Whoever participants.tsv names is there in the end, with a visit without an image if need be. A table that is wrong
    does not hide the next one: what is wrong with all of them is in the reading's problems.

    Args:
        root: of the BIDS folder.
        mapping: what the columns mean.
        tree: where the scans are.

    Raises:
        UserError: If it is no BIDS folder.
    """
    reading = Reading(
        name=root.name,
        root=tree.root,
        records=[],
        label_source=mapping.label_source,
        diagnosis_rule=mapping.diagnosis_rule,
        courses=mapping.courses,
    )
    counts = SubjectCounts()
    folders = {path.name for place in {root, tree.subjects} for path in place.glob("sub-*") if path.is_dir()}
    people = read_people(root, mapping, folders, reading.problems)
    columns = [PERSON, SESSION, *people.columns]
    names = _present(people, folders, tree, reading)
    for subject in tqdm(names, desc="reading BIDS", unit="subject", delay=1.0, disable=None):
        _read_subject(root, subject, people, mapping, tree, reading, columns, counts)
    reading.names_differ |= counts.has_loss or bool(counts.unmatched)
    _check_columns(columns, mapping, root, reading)
    if not reading.records and not reading.problems:
        raise UserError(f"{tree.subjects} holds no T1w scan of anybody, and no table of {root} lists a visit")
    fill_days(reading.records)
    reading.columns = mapping.prior_columns(columns)
    reading.unread = unread_columns(columns, mapping, (PERSON, SESSION, FILE_NAME))
    reading.notes += [*counts.notes(), *reserve_notes(r for record in reading.records for r in record.reserves)]
    return reading


def _present(people: People, folders: set[str], tree: ScanTree, reading: Reading) -> list[str]:
    """The people to read; those whose name is another one's in a second spelling are problems instead."""
    here = {path.name for path in tree.subjects.glob("sub-*") if path.is_dir()}
    strangers = sorted(here - set(people.rows))
    if people.path is None:
        reading.notes.append("there is no participants.tsv: people are the subjects' folders")
        return list(people.rows)
    meant = {name: [other for other in strangers if is_alike(name, other)] for name in people.rows if name not in here}
    wrong = {name: others for name, others in meant.items() if others}
    if len(people.rows) > 1 and not folders & set(people.rows):
        first, others = next(iter(wrong.items()), ("", strangers))
        hint = (
            f"did you mean {others[0]} in place of {first}?" if first else f"folders are {shown(others) or 'not there'}"
        )
        reading.problems.append(f"none of the {len(people.rows)} names in {people.path} has a folder; {hint}")
        reading.names_differ = True
        return []
    for name, others in wrong.items():
        reading.problems.append(f"{people.path}: '{name}' has no folder; did you mean {' or '.join(others)}?")
    reading.names_differ = bool(wrong)
    strangers = [name for name in strangers if not any(name in others for others in wrong.values())]
    if strangers:
        reading.notes.append(
            f"{len(strangers)} subjects have a folder but no row in participants.tsv ({shown(strangers)}): they are not read"
        )
    return [name for name in people.rows if name not in wrong]


def _read_subject(
    root: Path,
    subject: str,
    people: People,
    mapping: ColumnMapping,
    tree: ScanTree,
    reading: Reading,
    columns: list[str],
    counts: SubjectCounts,
) -> None:
    rows = read_sessions(
        root / subject / f"{subject}_sessions.tsv", mapping, people.visits.get(subject, {}), reading.problems
    )
    place = tree.subjects / subject
    below = sorted(path for path in place.glob("*") if path.is_dir())
    scans = {path: found for path in below if (found := tree.scans(path)) or path.name.startswith("ses-")}
    sessions = match_sessions(
        list(rows), {path: bool(found) for path, found in scans.items()}, place if tree.scans(place) else None
    )
    reading.problems += [f"{subject}: {problem}" for problem in sessions.problems]
    counts.has_loss |= bool(sessions.problems)
    if sessions.unplaced:
        counts.unplaced.append(subject)
    if sessions.problems:
        return
    person = people.rows[subject]
    if not sessions.folders:
        if people.path is None:
            counts.scanless.append(subject)
            return
        sessions.folders = {ONLY_SESSION: None}
    if len(sessions.folders) > 1:
        person = _without_diagnosis(person, mapping, subject, counts)
    facts = read_scan_facts(root / subject, mapping, reading.problems)
    for label, folder in sessions.folders.items():
        name = f"{subject} {label}" if rows or folder is not None else subject
        scan = None if folder is None else tree.choice.choose(tree.scans(folder), name)
        told = facts.get("" if folder == place else name_key(label), [])
        fact = next(
            (row for row in told if scan is not None and row[FILE_NAME].endswith(scan.name)), next(iter(told), {})
        )
        row = {**person, **fact, **rows.get(label, {}), PERSON: subject, SESSION: label}
        columns += [column for column in row if column not in columns]
        image = None if scan is None else scan.relative_to(tree.root).as_posix()
        record, wrong = mapping.to_record(row, image, name)
        record.months = session_months(label) if record.months is None else record.months
        if scan is None:
            record.absence = _absence(label if rows else "", folder, place, sessions)
            if folder is None and sessions.strays:
                counts.unmatched.append(name)
        reading.records.append(record)
        reading.problems += wrong


def _without_diagnosis(
    person: dict[str, str], mapping: ColumnMapping, subject: str, counts: SubjectCounts
) -> dict[str, str]:
    """The cells of somebody who came more than once: their diagnosis is of a visit that nobody knows."""
    diagnoses = [name for name in mapping.columns_of("diagnosis") if name in person]
    if any(person[name].strip().lower() not in EMPTY_CELLS for name in diagnoses):
        counts.put_aside.append(subject)
    return {**person, **dict.fromkeys(diagnoses, "")}


def _absence(label: str, folder: Path | None, place: Path, sessions: Sessions) -> str:
    """Why a visit has no image."""
    if folder is not None:
        return f"no T1w scan in {folder}"
    if not place.is_dir():
        return f"there is no folder {place}"
    if not label:
        return f"no T1w scan in {place}"
    strays = f" ({' and '.join(sessions.strays)} has a scan, and no table lists it)" if sessions.strays else ""
    return f"there is no folder {place / label}{strays}"


def _check_columns(columns: Sequence[str], mapping: ColumnMapping, root: Path, reading: Reading) -> None:
    """Refuse a folder without diagnoses if a column seems to hold them; else it is a cohort for pretraining, and says so."""
    missing = mapping.missing_columns(columns, str(root))
    wanted = mapping.columns_of("diagnosis") if "diagnosis" in missing else []
    # Columns that the mapping knows as something else, such as the screening's diagnosis, are not the missing one.
    others = [column for column in columns if column not in mapping.column_names]
    if wanted and not any(nearest(name, [column.lower() for column in others]) for name in wanted):
        reading.notes.append(f"no table has a column '{wanted[0]}', which would hold the diagnoses")
        del missing["diagnosis"]
    if missing and not reading.problems:
        raise UserError(next(iter(missing.values())))
    reading.problems += missing.values()
