"""Visits of a BIDS folder: people and sessions of the tables, joined with the folders that hold the scans."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from admoe_monai.errors import UserError, some_of

from ..visits import nearest
from .bids_subject import ScanTree, SubjectReader
from .bids_tables import FILE_NAME, PERSON, SESSION, People, read_people
from .columns import unread_columns
from .days import fill_days
from .mapping import ColumnMapping
from .names import is_alike
from .reading import Reading
from .reserves import reserve_notes

__all__ = ["read_visits"]


def read_visits(root: Path, mapping: ColumnMapping, tree: ScanTree) -> Reading:
    """Read all visits with day, diagnosis and scan.

    Everyone in participants.tsv is kept, if need be with a visit without an image. A faulty table does not hide the next
    one: the faults of all of them are in the reading's problems.

    Args:
        root: The BIDS folder.
        mapping: Meaning of the columns.
        tree: Folders with the scans.

    Raises:
        UserError: If the folder is not BIDS.
    """
    reading = Reading(
        name=root.name,
        root=tree.root,
        records=[],
        label_source=mapping.label_source,
        diagnosis_rule=mapping.diagnosis_rule,
        courses=mapping.courses,
    )
    folders = {path.name for place in {root, tree.subjects} for path in place.glob("sub-*") if path.is_dir()}
    people = read_people(root, mapping, folders, reading.problems)
    names = _present(people, folders, tree, reading)
    subjects = SubjectReader(root, people, mapping, tree, reading)
    for name in tqdm(names, desc="reading BIDS", unit="subject", delay=1.0, disable=None):
        subjects.read(name)
    counts, columns = subjects.counts, subjects.columns
    reading.names_differ |= counts.has_loss or bool(counts.unmatched)
    _check_columns(columns, mapping, root, reading)
    if not reading.records and not reading.problems:
        raise UserError(f"{tree.subjects} holds no T1w scan of anybody, and no table of {root} lists a visit")
    reading.cautions = counts.cautions()
    fill_days(reading.records)
    reading.columns = mapping.prior_columns(columns)
    reading.unread = unread_columns(columns, mapping, (PERSON, SESSION, FILE_NAME))
    reading.notes += [*counts.notes(), *reserve_notes(r for record in reading.records for r in record.reserves)]
    return reading


def _present(people: People, folders: set[str], tree: ScanTree, reading: Reading) -> list[str]:
    """People to read; a name that is a second spelling of another one is a problem instead."""
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
            f"did you mean {others[0]} in place of {first}?"
            if first
            else f"folders are {some_of(others) or 'not there'}"
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
            f"{len(strangers)} subjects have a folder but no row in participants.tsv ({some_of(strangers)}): they are not read"
        )
    return [name for name in people.rows if name not in wrong]


def _check_columns(columns: Sequence[str], mapping: ColumnMapping, root: Path, reading: Reading) -> None:
    """Refuse a folder without diagnoses if a column seems to hold them; else note that it is for pretraining alone."""
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
