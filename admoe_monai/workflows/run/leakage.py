"""Leakage guard of a run: what the datalist alone tells is checked before anything is trained."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from admoe_monai.audit import cheap_audit
from admoe_monai.checkpoints import load_whole
from admoe_monai.data import Datalist
from admoe_monai.data.subject_digests import CHECKPOINT_KEY, subject_digests
from admoe_monai.errors import UserError

from .hub import local_file

logger = logging.getLogger(__name__)


def check_leakage(
    cohort: Datalist,
    settings: Mapping[str, Any],
    prior: Sequence[Mapping[str, Any]],
    resumed: Mapping[str, Any] | None = None,
) -> list[str]:
    """Refuse to train on a leak; warn of what a person should look at.

    Args:
        cohort: Data of the run.
        settings: Settings, resolved.
        prior: Statistics of the prior columns in use.
        resumed: Checkpoint that a run goes on from; the leaks that it was trained with stay with it.

    Returns:
        Leaks that were allowed, one line each, which the log, every checkpoint and the report carry.

    Raises:
        UserError: Naming the first leak, unless `allow_leakage` is set; all are in its details.
    """
    names = [column["name"] for column in prior]
    tasks = list(settings["classes"])
    seen = _seen_elsewhere(cohort, settings, resumed)
    findings = cheap_audit(cohort, tasks=tasks, prior_columns=names, pretraining_digests=seen)
    leaks = [finding.message for finding in findings if finding.severity == "leak"]
    if resumed is not None:
        # First the old ones: the checkpoints to come are those of the run that was never interrupted.
        leaks = list(dict.fromkeys([*resumed.get("leakage", []), *leaks]))
    for column in cohort.prior:
        if settings["use_clinical_prior"] and column["name"] in tasks and column["name"] not in names:
            logger.info("Prior column '%s' is the label of a task and no input", column["name"])
    for finding in findings:
        if finding.severity == "warning":
            logger.warning("Audit: %s", finding.message)
    if leaks and not settings["allow_leakage"]:
        more = f" (and {len(leaks) - 1} more)" if len(leaks) > 1 else ""
        raise UserError(
            f"the data leak: {leaks[0]}{more}; `admoe audit {settings['datalist']}` tells all, "
            "--allow_leakage True trains in spite of it and says so everywhere",
            leaks if len(leaks) > 1 else (),
        )
    for leak in leaks:
        logger.warning("Trained in spite of a leak: %s", leak)
    return leaks


def subjects_seen(cohort: Datalist, settings: Mapping[str, Any], resumed: Mapping[str, Any] | None = None) -> list[str]:
    """Digest all people whose scans the weights of the run have seen, for the audit of a run that goes on from them.

    Args:
        cohort: Data of the run.
        settings: Settings, resolved.
        resumed: Checkpoint that a run goes on from.
    """
    earlier = _pretrained_on(settings) if resumed is None else _named_by(resumed)
    return sorted({*subject_digests(cohort.splits["training"]), *(earlier or ())})


def _seen_elsewhere(
    cohort: Datalist, settings: Mapping[str, Any], resumed: Mapping[str, Any] | None
) -> Sequence[str] | None:
    """Return digests of people seen by the weights outside of the training split, with gaps as in `_pretrained_on`."""
    if resumed is None:
        return _pretrained_on(settings)
    # People who are in the training split too are found without this, and in the same words as when the run began.
    return sorted({*_named_by(resumed)} - {*subject_digests(cohort.splits["training"])}) or None


def _pretrained_on(settings: Mapping[str, Any]) -> list[str] | None:
    """Return the digests of the checkpoint that finetuning starts from; empty if it has none, None without one."""
    if settings["pretrained"] is None:
        return None
    return _named_by(load_whole(local_file(settings["pretrained"])))


def _named_by(contents: Any) -> list[str]:
    """Return the digests that a checkpoint carries; none if it is another file."""
    known = contents.get(CHECKPOINT_KEY) if isinstance(contents, Mapping) else None
    return [str(digest) for digest in known] if isinstance(known, list) else []
