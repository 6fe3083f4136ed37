"""Files about a preprocessed cohort: tables, the quality page, the template's mask and the datalist."""

from __future__ import annotations

import csv
import io
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from monai.data import MetaTensor

from admoe_monai.data import Datalist, save_datalist
from admoe_monai.data.visits import SPLITS, Visit
from admoe_monai.errors import UserError
from admoe_monai.files import write_atomic
from admoe_monai.transforms import BOX_END_MM, BOX_START_MM, FLAG_MEANINGS, TEMPLATE_NAME, load_template, template_grid

from .chains import TemplateChains
from .quality_page import quality_page
from .scan import ScanJob, mask_bytes

logger = logging.getLogger(__name__)

DATALIST = "datalist.json"
ERRORS = "errors.tsv"
QUALITY_TABLE = "quality.tsv"
QUALITY_PAGE = "quality.html"
TEMPLATE_MASK = "template_mask.nii.gz"

#: Columns that the page shows of a scan; the table has more.
PAGE_COLUMNS = ("state", "correlation", "mutual_information", "coverage", "overlap", "scale", "stretch")


@dataclass(frozen=True)
class Choices:
    """Choices about scans that are not like the others.

    Attributes:
        force: Whether to write the datalist although raw, defaced and skull-stripped scans are among its scans.
        drop_failed: Whether to go on without scans that could not be processed.
        drop_flagged: Whether to go on without scans that are flagged.
    """

    force: bool = False
    drop_failed: bool = False
    drop_flagged: bool = False


@dataclass(frozen=True)
class Scan:
    """Visit with its split and the job of its scan."""

    split: str
    visit: Visit
    job: ScanJob


def write_cohort(
    cohort: Datalist,
    scans: Sequence[Scan],
    problems: Mapping[str, str],
    output_dir: Path,
    chains: TemplateChains,
    choices: Choices,
) -> Path:
    """Write tables and page in any case, and the datalist unless there is a reason against it.

    Args:
        cohort: Cohort as it was before.
        scans: Scans of all its visits.
        problems: Descriptions of what was wrong, by scan.
        output_dir: Folder of the results.
        chains: Chains of transforms that made them.
        choices: Choices of the user.

    Returns:
        Path of the datalist.

    Raises:
        UserError: If scans failed, or are of several states, or none is left.
    """
    output_dir.mkdir(parents=True, exist_ok=True)
    done = [scan for scan in scans if scan.job.scan not in problems]
    records = {scan.job.scan: scan.job.record() or {} for scan in done}
    rows = [_row(scan, records[scan.job.scan]) for scan in done]
    write_atomic(output_dir / ERRORS, _tsv(["scan", "error"], [{"scan": s, "error": e} for s, e in problems.items()]))
    write_atomic(output_dir / QUALITY_TABLE, _tsv(list(rows[0]) if rows else [], rows))
    shown = [{**row, "flags": records[row["scan"]]["registration"]["flags"]} for row in rows]
    pictures = [scan.job.picture.read_bytes() for scan in done]
    title = f"{cohort.name} on {TEMPLATE_NAME}"
    page = quality_page(title, shown, pictures, PAGE_COLUMNS, FLAG_MEANINGS, list(problems.items()))
    write_atomic(output_dir / QUALITY_PAGE, page)
    flags = Counter(flag for row in shown for flag in row["flags"])
    flagged = sum(bool(row["flags"]) for row in shown)
    listed = "".join(f", {word} {count}" for word, count in sorted(flags.items()))
    logger.info(
        "%d scans on the template, %d of them flagged%s: %s", len(rows), flagged, listed, output_dir / QUALITY_PAGE
    )

    states = Counter(row["state"] for row in rows if row["state"] != "unknown")
    if problems and not choices.drop_failed:
        raise UserError(
            f"{len(problems)} of {len(scans)} scans could not be processed, {output_dir / ERRORS} says why; "
            "mend them and run the same command again, or go on without them: --drop_failed"
        )
    if len(states) > 1 and not choices.force:
        counted = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        raise UserError(
            f"the scans are of several states, which a network could tell apart: {counted}; {output_dir / QUALITY_TABLE} "
            "says which; preprocess them apart, or allow it: --force"
        )
    kept = [scan for scan in done if not (choices.drop_flagged and records[scan.job.scan]["registration"]["flags"])]
    if not any(scan.split == "training" for scan in kept):
        raise UserError(f"no training scan of {cohort.path} is left")
    template = load_template(chains.spacing_mm)
    brain = MetaTensor(torch.from_numpy(template.brain.copy())[None], affine=torch.from_numpy(template.affine.copy()))
    write_atomic(output_dir / TEMPLATE_MASK, mask_bytes(brain))
    splits = {split: [_visit(s, records[s.job.scan], output_dir) for s in kept if s.split == split] for split in SPLITS}
    shape, _ = template_grid(chains.spacing_mm)
    about = {
        "template": TEMPLATE_NAME,
        "spacing_mm": chains.spacing_mm,
        "crop": {"shape": list(shape), "start_mm": list(BOX_START_MM), "end_mm": list(BOX_END_MM)},
        "chains": {name: chains.digest(name) for name in sorted({scan.job.chain for scan in kept})},
        # Names without counts: two cohorts of one kind can be merged.
        "states": sorted(states),
    }
    path = output_dir / DATALIST
    save_datalist(path, replace(cohort, dataset_dir=output_dir, splits=splits, path=path, preprocessing=about))
    return path


def _row(scan: Scan, record: Mapping[str, Any]) -> dict[str, Any]:
    registration = record["registration"]
    largest, _, smallest = registration["stretch"]
    return {
        "scan": scan.job.scan,
        "subject_id": scan.visit["subject_id"],
        "session_id": scan.visit["session_id"],
        "split": scan.split,
        "chain": record["chain"],
        "qc": _qc(registration),
        "state": registration["state"],
        **registration["similarity"],
        "scale": registration["scale"],
        "stretch": largest / smallest,
    }


def _qc(registration: Mapping[str, Any]) -> str:
    return ",".join(registration["flags"]) or "pass"


def _visit(scan: Scan, record: Mapping[str, Any], output_dir: Path) -> Visit:
    mask = scan.job.own_mask if scan.visit.get("mask") else output_dir / TEMPLATE_MASK
    return {**scan.visit, "image": str(scan.job.target), "mask": str(mask), "qc": _qc(record["registration"])}


def _tsv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: f"{value:.4f}" if isinstance(value, float) else value for name, value in row.items()})
    return text.getvalue()
