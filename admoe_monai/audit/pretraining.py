"""Whom a model was pretrained on, without naming anybody: a checkpoint carries digests of its subjects' identifiers.

A digest is the first 16 hexadecimal characters of the SHA-256 of the identifier in UTF-8. It is no protection against
somebody who has a list of identifiers to try, only against reading them off a file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from admoe_monai.data import load_datalist
from admoe_monai.data.visits import Visit, visit_problems
from admoe_monai.errors import UserError

from .entries import PRETRAINING, Entry, severity_between
from .finding import Finding, Severity, examples

__all__ = ["CHECKPOINT_KEY", "pretrained_on", "pretraining_visits", "subject_digest", "subject_digests"]

#: Key of a checkpoint that holds the digests, as a list.
CHECKPOINT_KEY = "pretraining_subjects"
LENGTH = 16


def subject_digest(subject_id: str) -> str:
    """Return the digest of one identifier.

    Args:
        subject_id: as the datalist has it.
    """
    return hashlib.sha256(subject_id.encode()).hexdigest()[:LENGTH]


def subject_digests(visits: Iterable[Visit]) -> list[str]:
    """Return the digests of all subjects, sorted, each once.

    Args:
        visits: those that a model is pretrained on.
    """
    return sorted({subject_digest(str(visit["subject_id"])) for visit in visits})


def pretraining_visits(path: str | Path, dataset_dir: str | Path | None = None) -> list[Visit]:
    """Read what a datalist gives to pretraining: its training split, and its list ``pretraining`` if it has one.

    Args:
        path: the datalist.
        dataset_dir: folder of its images in place of the one that it names.

    Raises:
        UserError: If it can't be read.
    """
    datalist = load_datalist(path, dataset_dir, refuse_overlaps=False)
    further: list[Any] = json.loads(Path(path).read_text(encoding="utf-8")).get(PRETRAINING) or []
    for row, visit in enumerate(further):
        if problem := next(visit_problems(visit, None, None), None):
            raise UserError(f"{path}: {PRETRAINING}[{row}]: {problem}")
    root = datalist.dataset_dir
    return [*datalist.splits["training"], *({**visit, "image": str(root / visit["image"])} for visit in further)]


def pretrained_on(entries: Sequence[Entry], digests: Collection[str]) -> list[Finding]:
    """Find subjects of the validation and test split that a checkpoint was pretrained on.

    Args:
        entries: rows of the datalist.
        digests: of the checkpoint; empty = it doesn't say.
    """
    if not digests:
        message = f"the checkpoint has no '{CHECKPOINT_KEY}': whether it was pretrained on test subjects is unknown"
        return [Finding("pretraining_unknown", "warning", message)]
    known = set(digests)
    findings = []
    severities: tuple[Severity, ...] = ("leak", "warning")
    for severity in severities:
        found = [
            entry
            for entry in entries
            if severity_between((PRETRAINING, entry.split)) == severity and known & _possible_digests(entry)
        ]
        if found:
            subjects = list(dict.fromkeys(entry.subject for entry in found))
            message = (
                f"the checkpoint was pretrained on {len(subjects)} {found[0].split} subject(s): {examples(subjects)}"
            )
            findings.append(Finding("pretrained_on", severity, message, tuple(entry.place for entry in found)))
    return findings


def _possible_digests(entry: Entry) -> set[str]:
    """Of the identifier as it is, with and without the prefix that BIDS puts before it."""
    names = {
        name for identifier in (entry.subject, entry.person) for name in (identifier, identifier.removeprefix("sub-"))
    }
    return {subject_digest(name) for name in names | {f"sub-{name}" for name in names}}
