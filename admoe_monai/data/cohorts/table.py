"""Tables of visits (CSV or TSV), with a pattern of the scans' paths."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from admoe_monai.errors import UserError

from ..tables import read_table_file
from ..visits import nearest
from .columns import spelled, unread_columns
from .days import fill_days
from .mapping import ColumnMapping
from .names import name_key
from .reading import Reading, Record, problems_first
from .reserves import reserve_notes

__all__ = ["VisitTable"]

#: ADNI's code of a visit outside of its schedule.
UNNUMBERED = "nv"


@dataclass(frozen=True)
class VisitTable:
    """A table with one visit per row.

    Args:
        path: The CSV or TSV table.
        images: Pattern of the scans' paths with column names in braces, such as ``coronal/{MRI ID}.nii.gz``,
            relative to ``dataset_dir`` or absolute; a visit whose file does not exist has no scan.
        mapping: Meaning of the columns.
        dataset_dir: Folder of the images; by default the fixed part of an absolute pattern, else the table's own folder.
    """

    path: Path
    images: str
    mapping: ColumnMapping
    dataset_dir: Path | None = None

    def read(self) -> Reading:
        """Read the visits.

        Raises:
            UserError: If the table can't be read or lacks a column that is needed, or the pattern names no column or leaves
                the folder of the images.
        """
        written = read_table_file(self.path)
        table = spelled(written, self.mapping.column_names)
        problems = list(table.problems)
        with problems_first(problems, self.mapping.name):
            self.mapping.check_columns(table.columns, str(self.path))
            names = _pattern_columns(self.images, written.columns)
        root = self._root()
        records: list[Record] = []
        for line, row, cells in zip(table.lines, table.rows, written.rows, strict=True):
            image = self.images
            for name in names:
                image = image.replace(f"{{{name}}}", cells[name].strip())
            image = os.path.relpath(image, root) if os.path.isabs(image) else os.path.normpath(image)
            record, wrong = self.mapping.to_record(row, image, f"{self.path} line {line}")
            with problems_first(problems, self.mapping.name):
                if image.startswith(os.pardir):
                    raise UserError(
                        f"image pattern '{self.images}' leaves {root}: give the folder of the images as well"
                    )
            problems.extend(wrong)
            records.append(record)
        meant = _alike_paths(root, [record.visit["image"] for record in records])
        problems += [
            f"{record.place}: image {root / image} is not there; did you mean {meant[image]}?"
            for record in records
            if (image := record.visit["image"]) in meant
        ]
        records = [record for record in records if record.visit["image"] not in meant]
        fill_days(records)
        apart = _tell_apart(records)
        notes = ["the table is separated by semicolons; decimal commas are read as points"] if table.decimal else []
        if apart:
            notes.append(f"{apart} visits of the code {UNNUMBERED} are told apart by their day")
        notes += reserve_notes(reserve for record in records for reserve in record.reserves)
        used = [name for name in table.columns if f"{{{name}}}" in self.images]
        return Reading(
            name=self.mapping.name,
            root=root,
            records=records,
            columns=self.mapping.prior_columns(table.columns),
            description=self.mapping.description,
            label_source=self.mapping.label_source,
            diagnosis_rule=self.mapping.diagnosis_rule,
            courses=self.mapping.courses,
            problems=problems,
            notes=notes,
            names_differ=bool(meant),
            unread=unread_columns(table.columns, self.mapping, used),
        )

    def _root(self) -> Path:
        if self.dataset_dir is not None:
            return Path(os.path.abspath(self.dataset_dir))
        if os.path.isabs(self.images):
            return Path(os.path.dirname(self.images.partition("{")[0]))
        return Path(os.path.abspath(self.path.parent))


def _pattern_columns(images: str, columns: Sequence[str]) -> list[str]:
    names = re.findall(r"\{([^{}]*)\}", images)
    if not names:
        raise UserError(
            f"image pattern '{images}' names no column: write one in braces, such as 'scans/{{MRI ID}}.nii.gz'"
        )
    for name in names:
        if name not in columns:
            raise UserError(f"image pattern '{images}' names the unknown column '{name}'{nearest(name, columns)}")
    return names


def _tell_apart(records: Sequence[Record]) -> int:
    """Add the day to the session of visits without a number, where a subject has several; return how many these are."""
    unnumbered: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record.date is not None and name_key(record.visit["session_id"] or "") == UNNUMBERED:
            unnumbered[record.visit["subject_id"]].append(record)
    several = [record for visits in unnumbered.values() if len(visits) > 1 for record in visits]
    for record in several:
        record.visit["session_id"] += f"-{date.fromordinal(record.date or 1).isoformat()}"
    return len(several)


def _alike_paths(root: Path, images: Sequence[str]) -> dict[str, str]:
    """For each missing image, the one file of almost its name, if no other row names that file."""

    @cache
    def below(folder: Path) -> dict[str, list[Path]]:
        keys: dict[str, list[Path]] = defaultdict(list)
        for path in folder.iterdir() if folder.is_dir() else ():
            keys[name_key(path.name)].append(path)
        return keys

    named = set(images)
    found: dict[str, str] = {}
    for image in (name for name in images if not os.path.lexists(root / name)):
        paths = [root]
        for part in Path(image).parts:
            alike = [path for folder in paths for path in below(folder).get(name_key(part), ())]
            paths = [path for path in alike if path.name == part] or alike
        if len(paths) == 1 and (name := paths[0].relative_to(root).as_posix()) not in named:
            found[image] = name
    return found
