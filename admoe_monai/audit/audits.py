"""The audit of a datalist: the cheap part, which training runs itself, and the full one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from admoe_monai.data import Datalist
from admoe_monai.data.visits import Visit

from .contents import Content, content_overlaps, read_contents
from .control import random_label_control
from .entries import Entry, entries_of, grouped
from .finding import SEVERITIES, Finding
from .fingerprints import detail_vectors
from .harmonisation import harmonisation_findings
from .labels import class_findings, label_findings
from .near_duplicates import near_duplicates
from .overlap import overlaps
from .pretraining import pretrained_on
from .priors import prior_findings, usable_columns
from .probes import probes
from .report import AuditReport
from .tables import ACQUISITION, encoded, visit_table

__all__ = ["cheap_audit", "full_audit"]


def cheap_audit(
    datalist: Datalist,
    *,
    tasks: Sequence[str],
    prior_columns: Sequence[str] | None = None,
    pretraining: Sequence[Visit] = (),
    pretraining_digests: Collection[str] | None = None,
) -> list[Finding]:
    """Run the checks that need the datalist alone: overlap, banned and label-coded priors, labels, harmonisation.

    Args:
        datalist: Datalist to audit.
        tasks: Fields of the visits that a model is to predict, which nothing else may give away.
        prior_columns: Names of the prior columns that a run takes; None = all that may become an input.
        pretraining: Visits that the model was pretrained on.
        pretraining_digests: Digests of the subjects that its checkpoint names; empty = it names none, None = there is no
            checkpoint.

    Returns:
        The findings, the worst first; none for a sound datalist.
    """
    entries = entries_of(datalist, pretraining)
    columns = usable_columns(datalist, tasks, prior_columns)
    findings = [
        *overlaps(entries),
        *(pretrained_on(entries, pretraining_digests) if pretraining_digests is not None else []),
        *prior_findings(entries, columns, tasks),
        *harmonisation_findings(datalist, entries, columns),
        *label_findings(datalist, [entry for entry in entries if entry.split in datalist.splits]),
    ]
    return _worst_first(findings)


def full_audit(
    datalist: Datalist,
    *,
    tasks: Sequence[str],
    images: bool = True,
    prior_columns: Sequence[str] | None = None,
    pretraining: Sequence[Visit] = (),
    pretraining_digests: Collection[str] | None = None,
) -> AuditReport:
    """Run all checks: beside the cheap audit file contents, near-duplicate images, probes and the control.

    Args:
        datalist: Datalist to audit.
        tasks: As for ``cheap_audit``.
        images: Whether to read the images.
        prior_columns: As for ``cheap_audit``.
        pretraining: As for ``cheap_audit``.
        pretraining_digests: As for ``cheap_audit``.
    """
    findings = cheap_audit(
        datalist,
        tasks=tasks,
        prior_columns=prior_columns,
        pretraining=pretraining,
        pretraining_digests=pretraining_digests,
    )
    findings += class_findings(datalist, tasks)
    entries = entries_of(datalist, pretraining)
    checks = ["overlap", "labels", "priors", "harmonisation"]
    contents: dict[str, Content] = {}
    if images:
        contents, unreadable = read_contents(entries)
        findings += unreadable + content_overlaps(entries, contents) + near_duplicates(entries, contents)
        checks += ["file contents", "near duplicates"]
    columns = usable_columns(datalist, tasks, prior_columns)
    table = visit_table(entries, tasks, columns, contents)
    figures, notes = probes(table, tasks, columns)
    findings += notes
    own = entries[: len(table)]
    for name, features in _features(table, own, columns, contents).items():
        control, found = random_label_control(table, tasks, features, name)
        figures += control
        findings += found
    checks += ["probes", "random labels"]
    return AuditReport(_cohort(datalist, entries), tuple(checks), tuple(_worst_first(findings)), tuple(figures))


def _features(
    table: Any, own: Sequence[Entry], columns: Sequence[str], contents: dict[str, Content]
) -> dict[str, np.ndarray]:
    """Features by which the control recognises subjects."""
    numbers = encoded(table, [*(f"prior {name}" for name in columns), *ACQUISITION])
    features = {}
    if not numbers.empty:
        scaled = (numbers - numbers.mean()) / numbers.std().replace(0.0, 1.0)
        features["prior and acquisition"] = scaled.fillna(0.0).to_numpy(float)
    prints = [contents[path].print if (path := str(entry.visit["image"])) in contents else None for entry in own]
    features |= detail_vectors(prints)
    return features


def _cohort(datalist: Datalist, entries: Sequence[Entry]) -> dict[str, Any]:
    by_split = grouped(entries, lambda entry: entry.split)
    return {
        "name": datalist.name,
        "datalist": None if datalist.path is None else str(datalist.path),
        "simulated": datalist.simulated,
        "splits": {
            split: {"subjects": len({entry.person for entry in rows}), "visits": len(rows)}
            for split, rows in by_split.items()
        },
    }


def _worst_first(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
