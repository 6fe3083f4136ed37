"""Several datalists as one cohort, with people who have a name in each of them."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError, some_of

from ..datalist import Datalist, load_datalist
from ..identifiers import in_cohort, plain_identifier
from ..visits import SPLITS, VISIT_FIELDS
from .key_table import read_key_table, values_of
from .reading import Reading, Record, refuse

__all__ = ["MergedDatalists"]


@dataclass(frozen=True)
class MergedDatalists:
    """Datalists to be joined and divided anew; labels stay as they were made on each cohort's whole history.

    A datalist no longer holds the visits without a scan, so change labels can't be made again from it.

    Args:
        paths: Two or more datalists.
        id_map: Table with ``participant_id`` and ``person_id``: who is the same person in several cohorts. Without it
            equal names in two cohorts are two people. Datalists of one name are numbered.
    """

    paths: Sequence[Path]
    id_map: Path | None = None

    def read(self) -> Reading:
        """Read the visits of all.

        Raises:
            UserError: If a datalist can't be read, or there is only one.
        """
        if len(self.paths) < 2:
            raise UserError("merge needs two or more datalists")
        datalists = _load(self.paths)
        root = Path(os.path.commonpath([datalist.dataset_dir for datalist in datalists]))
        in_cohorts = Counter(name for datalist in datalists for name in _subjects(datalist))
        person_of = {}
        if self.id_map is not None:
            person_of = values_of(read_key_table(self.id_map, "person_id"), in_cohorts, self.id_map)
        records = []
        names = _numbered([datalist.name for datalist in datalists])
        for datalist, name in zip(datalists, names, strict=True):
            for split in SPLITS:
                for row, visit in enumerate(datalist.splits[split]):
                    subject = visit["subject_id"]
                    # A datalist of somebody's own may leave out what is unknown.
                    visit = {**dict.fromkeys(VISIT_FIELDS), **visit, "cohort": visit.get("cohort") or name}
                    for file in ("image", "mask"):
                        visit[file] = os.path.relpath(visit[file], root) if visit.get(file) else None
                    visit["person_id"] = person_of.get(subject, visit.get("person_id"))
                    if in_cohorts[subject] > 1:
                        visit["subject_id"] = in_cohort(name, subject)
                    records.append(Record(visit, f"{datalist.path} {split}[{row}]"))
        first = datalists[0]
        diagnosis = [_definition(datalist, "diagnosis") for datalist in datalists]
        return Reading(
            name="+".join(names),
            root=root,
            records=records,
            columns=_joined_columns(datalists),
            description="; ".join(filter(None, (datalist.description for datalist in datalists))),
            simulated=first.simulated,
            label_source=_joined(diagnosis, "source", " and ") or "clinical",
            diagnosis_rule=_joined(diagnosis, "rule", "; ") or "as each cohort gives it",
            change=_definition(first, "change"),
            preprocessing=first.preprocessing,
            problems=_disagreements(datalists),
            notes=_notes(datalists, names, person_of),
        )


def _load(paths: Sequence[Path]) -> list[Datalist]:
    """Read all datalists; one that is wrong does not hide the next."""
    datalists, problems = [], []
    for path in paths:
        try:
            datalists.append(load_datalist(path))
        except UserError as error:
            problems.append(str(error))
    refuse(problems, "datalists")
    return datalists


def _subjects(datalist: Datalist) -> set[str]:
    return {visit["subject_id"] for visits in datalist.splits.values() for visit in visits}


def _definition(datalist: Datalist, task: str) -> dict[str, Any]:
    return datalist.label_definition.get(task) or {}


def _joined(parts: Sequence[Mapping[str, Any]], name: str, mark: str) -> str:
    return mark.join(dict.fromkeys(str(part[name]) for part in parts if part.get(name)))


def _numbered(names: Sequence[str]) -> list[str]:
    """Names of the datalists, of which those that are there already get a number: two folders may both be called bids."""
    taken: list[str] = []
    for name in names:
        free = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
        taken.append(next(one for one in free if one not in taken and (one == name or one not in names)))
    return taken


def _notes(datalists: Sequence[Datalist], names: Sequence[str], person_of: Mapping[str, str]) -> list[str]:
    files = ", ".join(str(datalist.path) for datalist in datalists)
    notes = [f"what was left out of each cohort and what contradicts itself stands in its own datalist: {files}"]
    notes += [
        f"a datalist before is called {datalist.name} too: {datalist.path} is {name} here"
        for datalist, name in zip(datalists, names, strict=True)
        if name != datalist.name
    ]
    alike: dict[str, list[set[str]]] = {}
    for subjects in map(_subjects, datalists):
        spellings: dict[str, set[str]] = {}
        for subject in subjects - person_of.keys():
            spellings.setdefault(plain_identifier(subject), set()).add(subject)
        for key, found in spellings.items():
            alike.setdefault(key, []).append(found)
    several = sorted(" or ".join(sorted(set.union(*found))) for found in alike.values() if len(found) > 1)
    if several:
        shown = some_of(several)
        notes.append(
            f"{len(several)} subjects of the same name, whatever its zeros, case and prefix, in several cohorts ({shown}) "
            "count as different people; if they are not, say so with --id_map"
        )
    return notes


def _joined_columns(datalists: Sequence[Datalist]) -> list[dict[str, Any]]:
    joined: dict[str, dict[str, Any]] = {}
    for datalist in datalists:
        for column in datalist.prior:
            meaning: dict[str, Any] = {
                key: column[key] for key in ("name", "role", "kind", "banned_for") if key in column
            }
            known = joined.setdefault(column["name"], meaning)
            if known["kind"] != meaning["kind"]:
                raise UserError(
                    f"prior column '{column['name']}' is {known['kind']} in one datalist and not in another"
                )
            # What one cohort bans, none may use.
            if known["role"] != meaning["role"]:
                known["role"] = "banned"
            known["banned_for"] = sorted({*(known.get("banned_for") or ()), *(meaning.get("banned_for") or ())})
    return list(joined.values())


def _disagreements(datalists: Sequence[Datalist]) -> list[str]:
    first = datalists[0]
    problems = []
    for other in datalists[1:]:
        if other.simulated != first.simulated:
            problems.append(f"{other.path}: simulated and real scans can't be in one datalist")
        if other.preprocessing != first.preprocessing:
            problems.append(f"{other.path}: its scans were preprocessed in another way than those of {first.path}")
        mine, others = (_definition(datalist, "change") for datalist in (first, other))
        for name in dict.fromkeys((*mine, *others)):
            if mine.get(name) != others.get(name):
                what = name.replace("_", " ")
                problems.append(
                    f"{other.path}: change is labelled with the {what} {others.get(name)}, in {first.path} with "
                    f"{mine.get(name)}; prepare both with the same options"
                )
                break  # a horizon in days differs with that in months
    return problems
