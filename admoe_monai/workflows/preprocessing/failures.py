"""Scans that could not be processed, noted beside the results: the last share to finish decides about those of all others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from admoe_monai.errors import UserError
from admoe_monai.files import write_atomic

from .scan import ScanJob, inputs_of


def forget_failures(jobs: Iterable[ScanJob]) -> None:
    """Remove the notes about scans that are about to be tried again.

    Args:
        jobs: Jobs of the scans.

    Raises:
        UserError: If a note can't be removed.
    """
    for job in jobs:
        try:
            job.failure.unlink(missing_ok=True)
        except OSError as error:
            raise UserError(f"cannot remove {job.failure}: {error.strerror}") from error


def note_failures(jobs: Iterable[ScanJob], problems: Mapping[str, str], digests: Mapping[str, str]) -> None:
    """Note which scans could not be processed, and why.

    Args:
        jobs: Jobs of the scans that were tried.
        problems: Descriptions of what was wrong, by scan.
        digests: Digests of the chains, by their names.

    Raises:
        UserError: If a note can't be written.
    """
    for job in jobs:
        if job.scan not in problems:
            continue
        note = {**_tried(job, digests), "error": problems[job.scan]}
        try:
            job.failure.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(job.failure, json.dumps(note, indent=1) + "\n")
        except OSError as error:
            raise UserError(f"cannot write {job.failure}: {error.strerror}") from error


def noted_failure(job: ScanJob, digests: Mapping[str, str]) -> str | None:
    """Say why a scan could not be processed; None if nothing is noted of these files and this chain.

    Args:
        job: Job of the scan.
        digests: Digests of the chains, by their names.
    """
    try:
        note = json.loads(job.failure.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(note, dict) or not isinstance(error := note.pop("error", None), str):
        return None
    # Files that were mended since are to be tried again.
    return error if note == _tried(job, digests) else None


def _tried(job: ScanJob, digests: Mapping[str, str]) -> dict[str, object]:
    try:
        inputs = inputs_of(job)
    except UserError:
        inputs = None
    return {"scan": job.scan, "inputs": inputs, "chain_digest": digests[job.chain]}
