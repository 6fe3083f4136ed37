"""Summary of a cohort for the terminal: lines of the report, counts per class and split."""

from __future__ import annotations

from ..datalist import Datalist
from ..thin_classes import thin_classes
from ..visits import person_of
from .change_rule import CHANGES, SEVERITY

__all__ = ["count_classes", "remarks", "report_lines"]

#: Most contradictions that are shown one by one.
SHOWN = 10


def report_lines(datalist: Datalist) -> list[str]:
    """Lines on the report of a datalist and its rules of labelling.

    Args:
        datalist: Result of :func:`.prepare.prepare_cohort`.
    """
    report = datalist.report
    lines = [
        f"left out: {count['visits']} visits, {cause}"
        + (f" ({count['subjects']} subjects)" if count["subjects"] else "")
        for cause, count in report["exclusions"].items()
    ]
    lines += [f"change unknown: {count} visits, {reason}" for reason, count in report["unknown_change"].items()]
    found = report["contradictions"]
    lines += [f"contradiction: {line}" for line in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(f"contradictions: {len(found) - SHOWN} more, under 'report' in the datalist")
    lines += [f"note: {line}" for line in report["notes"]]
    diagnosis, change = (datalist.label_definition[task] for task in ("diagnosis", "change"))
    lines.append(f"diagnosis: {diagnosis['source']}; {diagnosis['rule'] or 'as the cohort gives it'}")
    rule = ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in change.items()
        if value is not None and name != "horizon_days"
    )
    return [*lines, f"change: {rule or 'as the cohort gives it'}"]


def remarks(datalist: Datalist) -> list[str]:
    """Say which classes few people have; of a task that no one has a label of, nothing: the report says so.

    Args:
        datalist: Result of :func:`.prepare.prepare_cohort`.
    """
    visits = [visit for split in datalist.splits.values() for visit in split]
    classes = {"diagnosis": SEVERITY, "change": CHANGES}
    labelled = {task: names for task, names in classes.items() if any(visit.get(task) is not None for visit in visits)}
    return thin_classes(datalist.splits, labelled)


def count_classes(datalist: Datalist) -> list[dict[str, list[tuple[int, int]]]]:
    """Numbers of visits and of subjects per split: of all, of each diagnosis, of each change label.

    Returns:
        One dictionary for all, one for the diagnoses and one for the change labels, from the name of a class to a pair of
        numbers per split.
    """

    def counts(field: str | None = None, label: str | None = None) -> list[tuple[int, int]]:
        of_splits = (
            [person_of(visit) for visit in visits if field is None or visit.get(field) == label]
            for visits in datalist.splits.values()
        )
        return [(len(subjects), len(set(subjects))) for subjects in of_splits]

    sections = [{"all": counts()}]
    for field in ("diagnosis", "change"):
        labels = {visit.get(field) for visits in datalist.splits.values() for visit in visits}
        ordered = sorted(labels, key=lambda name: (name is None, str(name)))
        sections.append({f"{field} {label or 'unknown'}": counts(field, label) for label in ordered})
    return sections
