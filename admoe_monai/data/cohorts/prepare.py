"""From a cohort on disk to a datalist: read, label on the whole history, filter, check images, split, fit."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError
from admoe_monai.output_files import check_output, refused_output

from ..datalist import Datalist, save_datalist
from ..datalist_problems import datalist_problems
from ..identifiers import is_text
from ..prior import fit_prior
from ..visits import SPLITS, Visit, person_of
from .alike_subjects import alike_note, alike_subjects
from .change_rule import NEXT_VISIT, ChangeRule
from .columns import column_notes
from .contradictions import contradictions, visit_number_notes
from .images import check_images
from .labels import fill_diagnoses, label_changes
from .reading import Reading, Record, Source, problems_first, refuse
from .selection import Exclusions, Selection
from .split_rule import SplitRule

__all__ = ["prepare_cohort"]

logger = logging.getLogger(__name__)

#: Spans to the next visit of which the longest is longer than this many of the shortest are not one horizon.
MOST_ALIKE = 1.5
#: Reason of a change label that the next visit decided.
NEXT_DAYS = re.compile(r"next diagnosis after (\S+) days")


def prepare_cohort(
    output: str | Path,
    source: Source,
    *,
    change: ChangeRule | None = None,
    split: SplitRule | None = None,
    selection: Selection | None = None,
    dx_window_days: float = 0.0,
    allow_mixed_labels: bool = False,
    allow_alike_subjects: bool = False,
    voxels: bool = True,
    overwrite: bool = False,
) -> list[Datalist]:
    """Make datalists of a cohort.

    Change labels are made on the whole history of a subject, before any filter; statistics of the prior are fitted on
    the training split alone. All problems are reported at once, and nothing is written while there is one.

    Args:
        output: The datalist to write; where the split rule gives several divisions, their names go before its suffix.
        source: Cohort on disk.
        change: Rule of change labels, a horizon of 36 months by default; labels that came with the source (merged
            datalists, slices of the original code) are kept.
        split: Rule of division by person.
        selection: Filter of the visits.
        dx_window_days: Time in days within which a visit without a diagnosis gets its subject's nearest one.
        allow_mixed_labels: Whether clinical diagnoses and those by CDR may be in one cohort.
        allow_alike_subjects: Whether names that differ in zeros, case, prefix or separators alone are of different people.
        voxels: Whether to read every voxel of every image, or headers alone.
        overwrite: Whether to replace an existing output.

    Returns:
        The datalists as written.

    Raises:
        UserError: If the cohort has a problem; its details have one line for each. If the output can't be written, which is
            mostly known before a scan is read.
    """
    output = Path(output)
    change, split, selection = change or ChangeRule.parse("36m"), split or SplitRule(), selection or Selection()
    if not overwrite and output.exists():
        raise UserError(f"{output} exists: choose another --output, or allow --overwrite")
    check_output(output)
    reading = source.read()
    problems = [*reading.problems, *_no_text(reading), *_doubled(reading.records)]
    problems += _mixed_labels(reading, allow_mixed_labels)
    problems += [] if allow_alike_subjects else alike_subjects(reading.records)
    given = reading.change is not None
    rule = change if reading.change is None else ChangeRule.described(reading.change)
    found = contradictions(reading.records, reading.courses, rule, whole=not given)
    report: dict[str, Any] = {"contradictions": [case.text for case in found]}
    notes = [*reading.notes, *visit_number_notes(reading.records), *_empty_columns(reading)]
    notes += [*column_notes(reading.columns, reading.unread), *alike_note(reading.records)]
    labelled = reading.visits if given else label_changes(reading.visits, change)
    for record, visit in zip(reading.records, labelled, strict=True):
        record.visit = visit
    if dx_window_days > 0:
        filled = fill_diagnoses(reading.visits, dx_window_days)
        notes.append(f"{filled} visits have the diagnosis of another day, within {dx_window_days:g} days")
    exclusions = Exclusions()
    with problems_first(problems, reading.name):
        records, missing = selection.apply(reading.records, reading.root, exclusions)
        if not records and not missing and not problems:
            raise UserError(f"no visit of {reading.name} is left{_counted(exclusions)}")
    advice = "; --missing_images drop goes on without those"
    if problems:
        advice = f"; --missing_images drop goes on without the {len(missing)} visits that have no image"
    problems += missing
    image_problems, image_notes = check_images(records, reading.root, voxels)
    problems += image_problems
    # Where names differ, to leave visits out would lose the labels of scans that are there.
    may_drop = missing and records and not reading.names_differ
    refuse(problems, reading.name, "; ".join([advice, *reading.cautions]) if may_drop else "")
    visits = [record.visit for record in records]
    report |= {"exclusions": exclusions.as_dict(), "unknown_change": _unknown_changes(visits)}
    report["notes"] = [
        *notes,
        *exclusions.notes,
        *image_notes,
        *_next_visits(visits, reading, change),
    ]
    divisions = split.divide(visits)
    paths = {name: output.with_name(f"{output.stem}_{name}{output.suffix}") if name else output for name in divisions}
    if not overwrite and (present := [path for path in paths.values() if path.exists()]):
        raise UserError(f"{present[0]} exists: choose another --output, or allow --overwrite")
    datalists = [_datalist(paths[name], reading, splits, change, split, report) for name, splits in divisions.items()]
    for datalist in datalists:
        with refused_output(path := datalist.path or output):
            save_datalist(path, datalist)
    return datalists


def _datalist(
    path: Path,
    reading: Reading,
    splits: dict[str, list[Visit]],
    change: ChangeRule,
    split: SplitRule,
    report: dict[str, Any],
) -> Datalist:
    columns = fit_prior(splits["training"], reading.columns)
    content: dict[str, Any] = {**splits, "prior": {"columns": columns}}
    refuse(list(datalist_problems(content, reading.root, {"diagnosis": change.severity})), reading.name)
    report = {**report, "notes": [*report["notes"], *_unlabelled(splits)]}
    subjects = {name: len({visit["subject_id"] for visit in splits[name]}) for name in SPLITS}
    return Datalist(
        name=reading.name,
        dataset_dir=reading.root,
        splits=splits,
        path=path,
        description=reading.description,
        simulated=reading.simulated,
        label_definition={
            "diagnosis": {"source": reading.label_source, "rule": reading.diagnosis_rule},
            "change": change.as_dict() if reading.change is None else reading.change,
            "split": {**split.as_dict(), "subjects": subjects},
        },
        prior=columns,
        preprocessing=reading.preprocessing,
        report=report,
    )


def _no_text(reading: Reading) -> list[str]:
    """Names from the disk that no datalist can hold, since it is UTF-8; Linux takes any bytes for a name."""
    problems = [] if is_text(str(reading.root)) else [f"the name of the folder {reading.root} is no UTF-8; rename it"]
    for record in reading.records:
        names = (record.visit[name] for name in ("image", "mask", "subject_id", "session_id"))
        if wrong := next((name for name in names if name and not is_text(name)), None):
            problems.append(f"{record.place}: the name {wrong} is no UTF-8; rename it")
    return problems


def _doubled(records: Sequence[Record]) -> list[str]:
    first: dict[tuple[str, ...], Record] = {}
    problems = []
    for record in records:
        visit = (str(record.visit["subject_id"]), str(record.visit["session_id"]))
        image = (str(record.visit["image"] or f"none at {record.place}"),)
        if first.setdefault(visit, record) is not record:
            problems.append(f"{record.place}: visit {' '.join(visit)} stands already at {first[visit].place}")
        elif first.setdefault(image, record) is not record:
            problems.append(f"{record.place}: image {image[0]} is that of {first[image].place} too")
    return problems


def _mixed_labels(reading: Reading, allowed: bool) -> list[str]:
    counts = Counter(visit["label_source"] for visit in reading.visits if visit["label_source"] is not None)
    if len(counts) < 2 or allowed:
        return []
    counted = " and ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    return [
        f"{reading.name}: diagnoses of different origin, {counted}, are no one label; --allow_mixed_labels mixes them"
    ]


def _empty_columns(reading: Reading) -> list[str]:
    total = len(reading.records)
    notes = []
    for column in reading.columns:
        empty = sum((visit["prior"] or {}).get(column["name"]) is None for visit in reading.visits)
        if empty > 0:
            notes.append(f"prior column '{column['name']}' is empty in {empty} of {total} visits")
    return notes


def _unknown_changes(visits: Sequence[Visit]) -> dict[str, int]:
    """Visits without a change label, counted by reason; the days in the reasons differ from visit to visit."""
    reasons = (visit["change_reason"] for visit in visits if visit["change"] is None)
    return dict(Counter(re.sub(r"\d+(\.\d+)?", "…", reason or "unknown") for reason in reasons).most_common())


def _next_visits(visits: Sequence[Visit], reading: Reading, change: ChangeRule) -> list[str]:
    """Note on the time to the next visit, where it is the horizon of change labels and varies."""
    if reading.change is not None or change.horizon != NEXT_VISIT:
        return []
    days = [float(found[1]) for v in visits if (found := NEXT_DAYS.fullmatch(v["change_reason"] or ""))]
    if not days or max(days) < MOST_ALIKE * min(days):
        return []
    return [f"the next visit lies {min(days):g} to {max(days):g} days away: change labels speak of different spans"]


def _unlabelled(splits: Mapping[str, Sequence[Visit]]) -> list[str]:
    """Note on the people without any label of one division: in training they serve, elsewhere they stay unseen."""
    visits = [visit for part in splits.values() for visit in part]
    labelled = {person_of(v) for v in visits if v["diagnosis"] is not None or v["change"] is not None}
    if not labelled:
        return ["nobody has a label: this cohort is for pretraining alone"]
    without = {
        name: len({v["subject_id"] for v in part if person_of(v) not in labelled}) for name, part in splits.items()
    }
    notes = []
    if count := without.pop("training", 0):
        notes.append(f"{count} subjects without any label are in training, for pretraining alone")
    others = {name: count for name, count in without.items() if count}
    return notes + [
        f"{n} subjects without any label are in {name}: nothing is trained on them" for name, n in others.items()
    ]


def _counted(exclusions: Exclusions) -> str:
    causes = [f"{count} {cause}" for cause, count in exclusions.visits.items()]
    return f": {', '.join(causes)}" if causes else ""
