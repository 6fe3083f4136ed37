"""Whom a model was pretrained on, and whether they are in the validation or test split of a datalist."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from admoe_monai.data import load_datalist
from admoe_monai.data.subject_digests import CHECKPOINT_KEY, subject_digest
from admoe_monai.data.visits import Visit, visit_problems
from admoe_monai.errors import UserError

from .entries import PRETRAINING, Entry, severity_between
from .finding import Finding, Severity, examples

__all__ = ["pretrained_on", "pretraining_visits"]


def pretraining_visits(path: str | Path, dataset_dir: str | Path | None = None) -> list[Visit]:
    """Read the visits that pretraining uses: the training split, and the list ``pretraining`` if there is one.

    Args:
        path: Path of the datalist.
        dataset_dir: Folder of the images in place of the one that it names.

    Raises:
        UserError: If the datalist can't be read.
    """
    datalist = load_datalist(path, dataset_dir, refuse_overlaps=False)
    further: list[Any] = json.loads(Path(path).read_text(encoding="utf-8")).get(PRETRAINING) or []
    for row, visit in enumerate(further):
        if problem := next(visit_problems(visit, (), None), None):
            raise UserError(f"{path}: {PRETRAINING}[{row}]: {problem}")
    root = datalist.dataset_dir
    return [*datalist.splits["training"], *({**visit, "image": str(root / visit["image"])} for visit in further)]


def pretrained_on(entries: Sequence[Entry], digests: Collection[str]) -> list[Finding]:
    """Find subjects of the validation and test split that a checkpoint was pretrained on.

    Args:
        entries: Rows of the datalist.
        digests: Digests in the checkpoint; empty = it has none.
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
    """Digests of the identifier with and without the prefix that BIDS puts before it."""
    names = {
        name for identifier in (entry.subject, entry.person) for name in (identifier, identifier.removeprefix("sub-"))
    }
    return {subject_digest(name) for name in names | {f"sub-{name}" for name in names}}
