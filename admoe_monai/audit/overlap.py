"""Subjects, visits, images or scans that are in two splits, as far as the datalist itself tells."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence

from admoe_monai.data.identifiers import plain_identifier

from .entries import Entry, grouped, severity_between
from .finding import Finding, Severity, examples

__all__ = ["overlaps", "scan_of_slice"]

_SLICE = re.compile(r"(?i)(?:^|(?<=[/_.-]))(?:slices?|slc|sl|axial|coronal|sagittal|ax|cor|sag|frame|z)[_-]?\d+")


def overlaps(entries: Sequence[Entry]) -> list[Finding]:
    """Find subjects, visits, images and scans that splits share.

    Args:
        entries: Rows of the datalist and of pretraining.
    """
    return [
        *_subjects(entries),
        *_alike_subjects(entries),
        *_visits(entries),
        *shared("image_overlap", "image", entries, lambda entry: os.path.normpath(str(entry.visit["image"]))),
        *_slices(entries),
    ]


def shared(check: str, what: str, entries: Sequence[Entry], key: Callable[[Entry], str | None]) -> list[Finding]:
    """Find rows that share a key: a leak across splits, a warning within one.

    Args:
        check: Name of the check.
        what: Noun of the message.
        entries: Rows of any splits.
        key: Function of a row; None = the row shares nothing.
    """
    across: dict[Severity, list[list[Entry]]] = {"leak": [], "warning": []}
    for group in grouped(entries, key).values():
        if len(group) < 2:
            continue
        if severity := severity_between(entry.split for entry in group):
            across[severity].append(group)
        elif len({entry.split for entry in group}) < len(group):
            across["warning"].append(group)
    findings = []
    for severity, groups in across.items():
        if groups:
            where = "in more than one split" if severity == "leak" else "more than once"
            cases = [f"{' = '.join(entry.place for entry in group)} ({group[0].subject})" for group in groups]
            message = f"{len(groups)} {what}(s) listed {where}: {examples(cases)}"
            findings.append(Finding(check, severity, message, _rows(groups)))
    return findings


def scan_of_slice(image: str) -> str | None:
    """Path of a slice without its number, which all slices of a scan share; None if it has none.

    Args:
        image: Path such as ``sub-01/sub-01_slice-12.png``.
    """
    path = os.path.normpath(image)
    without = _SLICE.sub("", path)
    return without if without != path else None


def _subjects(entries: Sequence[Entry]) -> list[Finding]:
    groups = grouped(entries, lambda entry: entry.person)
    repeated = [group for group in groups.values() if len(group) > 1]
    findings = []
    for severity in ("leak", "warning"):
        found = [group for group in groups.values() if severity_between(e.split for e in group) == severity]
        if found:
            cases = [f"{group[0].person} in {_splits(group)}" for group in found]
            message = f"{len(found)} of {len(groups)} subjects are in more than one split: {examples(cases)}"
            if len(found) > 5 and len(found) > 0.3 * len(repeated):
                message += "; the split seems to have been made by image, not by subject"
            findings.append(Finding("subject_overlap", severity, message, _rows(found)))
    return findings


def _alike_subjects(entries: Sequence[Entry]) -> list[Finding]:
    found = []
    for group in grouped(entries, lambda entry: plain_identifier(entry.person)).values():
        names = grouped(group, lambda entry: entry.person)
        if len(names) > 1 and severity_between(entry.split for entry in group):
            found.append(group)
    cases = [" and ".join(f"'{name}'" for name in dict.fromkeys(entry.person for entry in group)) for group in found]
    message = f"{len(found)} pair(s) of subjects in different splits differ only in spelling: {examples(cases)}"
    return [Finding("alike_subjects", "warning", message, _rows(found))] if found else []


def _visits(entries: Sequence[Entry]) -> list[Finding]:
    return shared("visit_overlap", "visit", entries, lambda entry: f"{entry.subject}\n{entry.session}")


def _slices(entries: Sequence[Entry]) -> list[Finding]:
    def scan(entry: Entry) -> str:
        return scan_of_slice(str(entry.visit["image"])) or f"{entry.subject}\n{entry.session}"

    found = [
        group
        for group in grouped(entries, scan).values()
        if severity_between(entry.split for entry in group) == "leak"
        and len({entry.visit["image"] for entry in group}) > 1
    ]
    cases = [f"{group[0].visit['image']} and others in {_splits(group)}" for group in found]
    message = f"slices of {len(found)} scan(s) are spread over splits: {examples(cases)}"
    return [Finding("slice_level_split", "leak", message, _rows(found))] if found else []


def _splits(group: Sequence[Entry]) -> str:
    return " and ".join(dict.fromkeys(entry.split for entry in group))


def _rows(groups: Sequence[Sequence[Entry]]) -> tuple[str, ...]:
    return tuple(entry.place for group in groups for entry in group)
