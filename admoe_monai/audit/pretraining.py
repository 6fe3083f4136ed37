"""Whom a model was pretrained on, and whether they are in the validation or test split of a datalist."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from admoe_monai.data import load_datalist
from admoe_monai.data.datalist import read_content
from admoe_monai.data.identifiers import ANY_COHORT, in_cohort, within_cohort
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
    further: Any = read_content(Path(path)).get(PRETRAINING) or []
    if not isinstance(further, list):
        raise UserError(f"{path}: '{PRETRAINING}' must be a list of visits, got {type(further).__name__}")
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
        seen = [entry for entry in entries if severity_between((PRETRAINING, entry.split)) == severity]
        sure = [entry for entry in seen if known & _digests(_names(entry))]
        if sure:
            names = list(dict.fromkeys(entry.subject for entry in sure))
            message = f"the checkpoint was pretrained on {len(names)} {sure[0].split} subject(s): {examples(names)}"
            findings.append(Finding("pretrained_on", severity, message, tuple(entry.place for entry in sure)))
        known_for_sure = {entry.place for entry in sure}
        others = (entry for entry in seen if entry.place not in known_for_sure)
        perhaps = [entry for entry in others if known & _digests(_names_elsewhere(entry))]
        if perhaps:
            names = list(dict.fromkeys(entry.subject for entry in perhaps))
            message = (
                f"the checkpoint was pretrained on people of the same name as {len(names)} {perhaps[0].split} subject(s), "
                f"in a cohort whose name differs; whether they are the same is unknown: {examples(names)}"
            )
            rows = tuple(entry.place for entry in perhaps)
            findings.append(Finding("perhaps_pretrained_on", "warning", message, rows))
    return findings


def _names(entry: Entry) -> set[str]:
    """Names under which a checkpoint may know somebody: also the one that a merge with other cohorts would give."""
    cohorts = {str(cohort) for cohort in (entry.visit.get("cohort"), entry.datalist) if cohort}
    return {entry.subject, entry.person, *(in_cohort(cohort, entry.subject) for cohort in cohorts)}


def _names_elsewhere(entry: Entry) -> set[str]:
    """Names that are somebody's of unknown cohort: one of several that were merged, or one that was by itself."""
    own = within_cohort(entry.subject)
    return {in_cohort(ANY_COHORT, own) if own == entry.subject else own}


def _digests(names: Iterable[str]) -> set[str]:
    """Digests of identifiers with and without the prefix that BIDS puts before them."""
    spellings = set()
    for name in names:
        cohort, own = name.removesuffix(within_cohort(name)), within_cohort(name).removeprefix("sub-")
        spellings |= {name, f"{cohort}{own}", f"{cohort}sub-{own}"}
    return {subject_digest(name) for name in spellings}
