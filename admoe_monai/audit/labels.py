"""Labels that contradict each other within a subject's history, as far as the datalist shows it.

Of all labels, diagnosis and change alone have a history that is known to the audit: how ``admoe prepare`` makes them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from admoe_monai.data import Datalist
from admoe_monai.data.cohorts.change_rule import ChangeRule
from admoe_monai.data.cohorts.contradictions import Contradiction, contradictions
from admoe_monai.data.cohorts.reading import Record
from admoe_monai.data.thin_classes import thin_classes

from .entries import Entry
from .finding import Finding, examples

__all__ = ["class_findings", "label_findings"]

WHAT = {
    "change_against_diagnoses": "change label(s) contradict the diagnoses after them",
    "diagnosis_against_cdr": "diagnoses contradict the CDR",
    "two_diagnoses": "session(s) or day(s) with two diagnoses",
    "dates_out_of_order": "visit(s) out of order in time",
    "ages_out_of_order": "age(s) that don't fit the dates",
    "two_sexes": "subject(s) of two sexes",
}


def label_findings(datalist: Datalist, entries: Sequence[Entry]) -> list[Finding]:
    """Find contradictions; none of them is a leak, each is a warning.

    Args:
        datalist: Datalist with the definition of change labels.
        entries: Its rows.
    """
    records = [Record(entry.visit, entry.place) for entry in entries]
    by_kind: dict[str, list[Contradiction]] = defaultdict(list)
    rule = ChangeRule.described(datalist.label_definition.get("change") or {})
    # Visits without a scan are not in the datalist any more, so this is no subject's whole history.
    for case in contradictions(records, rule=rule, whole=False):
        by_kind[case.kind].append(case)
    findings = [
        Finding(
            kind,
            "warning",
            f"{len(cases)} {WHAT[kind]}: {examples([case.text for case in cases])}",
            tuple(dict.fromkeys(place for case in cases for place in case.places)),
        )
        for kind, cases in by_kind.items()
    ]
    return [*findings, *_label_sources(entries)]


def class_findings(datalist: Datalist, tasks: Sequence[str]) -> list[Finding]:
    """Find classes with few people or none in a split, among the labels that occur; each is a warning.

    Args:
        datalist: Datalist to audit.
        tasks: Fields that hold labels.
    """
    visits = [visit for split in datalist.splits.values() for visit in split]
    # In the order in which they come up.
    classes = {task: list(dict.fromkeys(visit[task] for visit in visits if visit.get(task))) for task in tasks}
    return [Finding("thin_classes", "warning", text) for text in thin_classes(datalist.splits, classes)]


def _label_sources(entries: Sequence[Entry]) -> list[Finding]:
    sources = Counter(str(e.visit.get("label_source")) for e in entries if e.visit.get("diagnosis") is not None)
    if len(sources) < 2:
        return []
    counts = ", ".join(f"{name} {number}" for name, number in sources.most_common())
    return [Finding("mixed_label_sources", "warning", f"diagnoses come from {len(sources)} sources: {counts}")]
