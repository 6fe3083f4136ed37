"""A cohort on disk to a datalist: read, label on the whole history, drop, split, fit."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from admoe_monai.errors import UserError

from ..datalist import Datalist, save_datalist
from ..datalist_problems import datalist_problems
from ..prior import fit_prior
from ..visits import SPLITS, Visit
from .bids import read_bids, read_description
from .labels import NEXT_VISIT, SEVERITY, label_changes, parse_horizon
from .mapping import load_mapping
from .splits import split_subjects
from .table import read_table

__all__ = ["prepare_cohort"]

logger = logging.getLogger(__name__)

#: Yearly visits come some weeks early as often as late: nine tenths of the horizon count as having seen it.
FOLLOWUP_SHARE = 0.9
NAMED = 3


@dataclass(frozen=True)
class _Cohort:
    name: str
    description: str
    simulated: bool
    root: Path
    visits: list[Visit]
    columns: list[dict[str, Any]]
    label_source: str
    diagnosis_rule: str


def prepare_cohort(
    output: str | Path,
    *,
    directory: str | Path | None = None,
    table: str | Path | None = None,
    images: str | None = None,
    mapping: str | Path | None = None,
    horizon: str = "36m",
    min_followup: str | None = None,
    change_for_ad: Literal["null", "stable"] = "null",
    fractions: Mapping[str, float] | None = None,
    seed: int = 42,
    missing_images: Literal["error", "drop"] = "error",
    severity: Sequence[str] = SEVERITY,
    overwrite: bool = False,
) -> Datalist:
    """Make a datalist from a BIDS folder, or from a table and a pattern of images.

    Change labels are made on the whole history of a subject, before visits without a scan are dropped; statistics of
    the prior are fitted on the training split alone. Nothing is written unless everything is right.

    Args:
        output: the datalist to write.
        directory: BIDS folder; with ``table``, the folder that the image pattern starts from (the table's by default).
        table: CSV or TSV table with one visit per row.
        images: pattern of image paths with column names in braces, for a table.
        mapping: what the columns mean: a built-in name or a YAML file; ``bids`` for a folder.
        horizon: ``next_visit``, or a time such as ``36m``.
        min_followup: time that a stable course must have been seen, 0.9 times the horizon by default.
        change_for_ad: ``null``, or ``stable`` to treat the most severe stage like the others.
        fractions: share of the subjects per split.
        seed: of the split.
        missing_images: ``error``, or ``drop`` to go on without these visits.
        severity: diagnoses from the mildest to the most severe.
        overwrite: replace an existing output.

    Returns:
        The datalist as written.

    Raises:
        UserError: If anything in the arguments or the cohort is wrong.
    """
    output = Path(output)
    if output.exists() and not overwrite:
        raise UserError(f"{output} exists: choose another --output, or allow --overwrite")
    for name, value, known in (
        ("missing_images", missing_images, ("error", "drop")),
        ("change_for_ad", change_for_ad, ("null", "stable")),
    ):
        if value not in known:
            raise UserError(f"{name} must be one of {', '.join(known)}, got '{value}'")
    span = parse_horizon(horizon)
    followup = None if min_followup is None else parse_horizon(min_followup)
    if followup == NEXT_VISIT or (followup is not None and span == NEXT_VISIT):
        raise UserError("min_followup is a time such as 24m, and goes with a horizon that is one")
    if followup is None and span != NEXT_VISIT:
        followup = FOLLOWUP_SHARE * float(span)

    cohort = _read(directory, table, images, mapping)
    visits = label_changes(
        cohort.visits,
        horizon=span,
        min_followup=None if followup is None else float(followup),
        change_for_ad=change_for_ad,
        severity=severity,
    )
    visits = _with_images(visits, cohort.root, drop=missing_images == "drop")
    splits = split_subjects(visits, fractions, seed)
    columns = fit_prior(splits["training"], cohort.columns)
    content: dict[str, Any] = {**splits, "prior": {"columns": columns}}
    _refuse(list(datalist_problems(content, cohort.root, {"diagnosis": severity})))
    datalist = Datalist(
        name=cohort.name,
        dataset_dir=cohort.root,
        splits=splits,
        path=output,
        description=cohort.description,
        simulated=cohort.simulated,
        label_definition={
            "diagnosis": {"source": cohort.label_source, "rule": cohort.diagnosis_rule},
            "change": {
                "horizon": horizon,
                "horizon_days": None if span == NEXT_VISIT else span,
                "min_followup_days": None if followup is None else round(float(followup), 2),
                "change_for_ad": change_for_ad,
            },
            "split": {
                "seed": seed,
                "subjects": {name: len({v["subject_id"] for v in splits[name]}) for name in SPLITS},
            },
        },
        prior=columns,
    )
    save_datalist(output, datalist)
    return datalist


def _read(
    directory: str | Path | None, table: str | Path | None, images: str | None, mapping: str | Path | None
) -> _Cohort:
    if table is None:
        if directory is None:
            raise UserError("nothing to prepare: give a BIDS folder, or --table and --images")
        if images is not None:
            raise UserError("--images goes with a --table")
        meaning = load_mapping(mapping or "bids")
        root = Path(os.path.abspath(directory))
        visits, columns, problems = read_bids(root, meaning)
        about = read_description(root)
        simulated, description = bool(about.get("simulated", False)), str(about.get("Name") or meaning.description)
        name, source = root.name, "simulated" if simulated else meaning.label_source
        for visit in visits:
            visit["label_source"] = visit["label_source"] and source
    else:
        if images is None or mapping is None:
            raise UserError("a --table needs --images (a pattern of paths) and --mapping (what its columns mean)")
        meaning = load_mapping(mapping)
        root = Path(os.path.abspath(directory or Path(table).parent))
        visits, columns, problems = read_table(table, images, meaning, root)
        simulated, description, name, source = False, meaning.description, meaning.name, meaning.label_source
    _refuse(problems)
    return _Cohort(name, description, simulated, root, visits, columns, source, meaning.diagnosis_rule)


def _with_images(visits: Sequence[Visit], root: Path, *, drop: bool) -> list[Visit]:
    present = [visit for visit in visits if visit["image"] and os.path.exists(root / visit["image"])]
    missing = [visit for visit in visits if not (visit["image"] and os.path.exists(root / visit["image"]))]
    if missing:
        rows = [f"{v['subject_id']} {v['session_id']} ({v['image'] or 'no T1w scan'})" for v in missing]
        summary = f"{len(missing)} of {len(visits)} visits have no image under {root}"
        if not drop or not present:
            more = f", and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
            advice = "; --missing_images drop goes on without them" if present else "; check the folder and the pattern"
            raise UserError(f"{summary}: {', '.join(rows[:NAMED])}{more}{advice}")
        logger.warning("%s and are dropped: %s", summary, ", ".join(rows))
    return present


def _refuse(problems: Sequence[str]) -> None:
    """Raise one error for all problems; the log lists those that its line has no room for."""
    for problem in problems[NAMED:]:
        logger.info("%s", problem)
    if problems:
        more = f" (and {len(problems) - NAMED} more)" if len(problems) > NAMED else ""
        raise UserError("; ".join(problems[:NAMED]) + more)
