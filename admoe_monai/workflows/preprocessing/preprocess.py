"""Registration of a datalist's scans to the template: from one datalist to another, by way of one folder."""

from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path

from admoe_monai.data import Datalist, load_datalist
from admoe_monai.data.visits import SPLITS, Visit
from admoe_monai.errors import UserError

from .chains import ON_TEMPLATE, TemplateChains, chain_of
from .cohort import DATALIST, Choices, Scan, write_cohort
from .failures import forget_failures, note_failures, noted_failure
from .pool import preprocess_scans
from .scan import ScanJob, target_name

logger = logging.getLogger(__name__)


def preprocess(
    datalist: Path,
    output_dir: Path,
    *,
    dataset_dir: Path | None = None,
    spacing_mm: float | None = None,
    num_workers: int = 0,
    share: tuple[int, int] | None = None,
    choices: Choices | None = None,
) -> Path | None:
    """Bring every visit of a datalist onto the MNI152 template.

    A result that is there already, complete and of the same scan and chain, is not computed again.

    Args:
        datalist: Datalist of the scans as they are.
        output_dir: Folder to write to.
        dataset_dir: Folder of the scans, if it is not where the datalist says.
        spacing_mm: Edge of the voxels to write; None for that of to_template.yaml.
        num_workers: Number of processes to compute with; 0 computes in this one.
        share: Part to do and number of parts, counted from 1; the last one to finish decides about what failed in any of
            them and writes the datalist. None for all.
        choices: Choices about scans that failed or differ.

    Returns:
        Path of the new datalist; None where other shares are still missing.

    Raises:
        UserError: If the datalist can't be used, or scans failed, or they are of several states; what is finished is kept.
    """
    chains = TemplateChains(spacing_mm)
    cohort = load_datalist(datalist, dataset_dir)
    output_dir = Path(os.path.abspath(output_dir))
    scans = _scans(cohort, output_dir)
    _check_folder(cohort, output_dir, chains)
    own = [scan.job for scan in (scans if share is None else scans[share[0] - 1 :: share[1]])]
    choices = choices or Choices()
    forget_failures(own)
    problems = preprocess_scans(own, chains.spacing_mm, num_workers)
    if share is not None:
        digests = {name: chains.digest(name) for name in {scan.job.chain for scan in scans}}
        note_failures(own, problems, digests)
        noted = {scan.job.scan: noted_failure(scan.job, digests) for scan in scans}
        failed = {scan: error for scan, error in noted.items() if error is not None}
        missing = sum(
            scan.job.scan not in failed and (scan.job.record() or {}).get("chain_digest") != digests[scan.job.chain]
            for scan in scans
        )
        if missing and problems and not choices.drop_failed:
            raise UserError(
                f"{len(problems)} of {len(own)} scans of share {share[0]} of {share[1]} failed, as said above; mend them and "
                "submit the same array again, or go on without them: --drop_failed"
            )
        if missing:
            logger.info("Share %d of %d is finished; %d scans of the others are not", *share, missing)
            return None
        problems = failed
    return write_cohort(cohort, scans, problems, output_dir, chains, choices)


def _scans(cohort: Datalist, output_dir: Path) -> list[Scan]:
    # `admoe prepare --caps` records the space, this command the template; all of these are spaces of MNI152.
    space = str(cohort.preprocessing.get("template") or cohort.preprocessing.get("space") or "")
    on_template = space.startswith("MNI152")
    scans, places = [], set()
    for split in SPLITS:
        for visit in cohort.splits.get(split, []):
            folder = output_dir / _folder(visit, "subject_id") / _folder(visit, "session_id")
            if folder in places:
                raise UserError(f"two visits would share the folder {folder}; rename one of their subjects or sessions")
            places.add(folder)
            job = ScanJob(
                scan=os.path.relpath(visit["image"], cohort.dataset_dir),
                image=visit["image"],
                mask=visit.get("mask"),
                target=folder / target_name(visit["image"]),
                chain=ON_TEMPLATE if on_template else chain_of(visit["image"]),
            )
            scans.append(Scan(split, visit, job))
    return scans


def _folder(visit: Visit, field: str) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", str(visit[field])).strip(".")
    if not name:
        raise UserError(f"{field} {visit[field]!r} can't be the name of a folder; rename it in the datalist")
    return name


def _check_folder(cohort: Datalist, output_dir: Path, chains: TemplateChains) -> None:
    written = output_dir / DATALIST
    if cohort.path is not None and written == Path(os.path.abspath(cohort.path)):
        raise UserError(f"{output_dir} holds the datalist itself; name another folder for the preprocessed scans")
    if output_dir.exists() and not output_dir.is_dir():
        raise UserError(f"{output_dir} is not a folder")
    if written.exists():
        # Read without its checks: files that it lists and that are gone are computed anew.
        try:
            before = float(json.loads(written.read_text(encoding="utf-8"))["preprocessing"]["spacing_mm"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{written} is not a datalist of preprocessed scans; name another folder") from error
        if before != chains.spacing_mm:
            raise UserError(
                f"{output_dir} holds scans of {before:g} mm, not {chains.spacing_mm:g} mm; name another folder"
            )
