"""The leakage guard of a run: what the datalist alone tells is looked at before anything is trained."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from admoe_monai.audit import CHECKPOINT_KEY, cheap_audit, subject_digests
from admoe_monai.checkpoints import load_whole
from admoe_monai.data import Datalist
from admoe_monai.errors import UserError

logger = logging.getLogger(__name__)


def check_leakage(cohort: Datalist, settings: Mapping[str, Any], prior: Sequence[Mapping[str, Any]]) -> list[str]:
    """Refuse to train on a leak; warn of what a person should look at.

    Args:
        cohort: the data of the run.
        settings: resolved.
        prior: statistics of the prior columns in use.

    Returns:
        The leaks that were allowed, one line each, which the log, every checkpoint and the report carry.

    Raises:
        UserError: naming the first leak, unless `allow_leakage` is set; all are in its details.
    """
    names = [column["name"] for column in prior]
    findings = cheap_audit(cohort, prior_columns=names, pretraining_digests=_pretrained_on(settings))
    leaks = [finding.message for finding in findings if finding.severity == "leak"]
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


def subjects_seen(cohort: Datalist, settings: Mapping[str, Any]) -> list[str]:
    """Digests of everybody whose scans the weights of the run have seen, for the audit of whoever goes on from them.

    Args:
        cohort: the data of the run.
        settings: resolved.
    """
    return sorted({*subject_digests(cohort.splits["training"]), *(_pretrained_on(settings) or ())})


def _pretrained_on(settings: Mapping[str, Any]) -> list[str] | None:
    """Of the checkpoint that finetuning starts from; empty if it doesn't say, None without one."""
    if settings["pretrained"] is None:
        return None
    contents = load_whole(Path(settings["pretrained"]))
    known = contents.get(CHECKPOINT_KEY) if isinstance(contents, Mapping) else None
    return [str(digest) for digest in known] if isinstance(known, list) else []
