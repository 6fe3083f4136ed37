"""The cohort from start to end: subjects, then every head and scan in parallel, then the tables."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from admoe_monai import __version__
from admoe_monai.errors import UserError

from .layout import write_tables
from .population import DIAGNOSES, Subject, sample_subject, stream
from .scanning import prepare_scanner, scan_subject

__all__ = ["SHORTCUTS", "make_demo_cohort"]

SHORTCUTS = (None, "site")
# Its stream of random numbers, apart from those of single subjects in `population` and `scanning`.
_ORDER_STREAM = 9


def make_demo_cohort(
    directory: str | os.PathLike[str],
    *,
    subjects: int = 60,
    visits: tuple[int, int] = (3, 4),
    spacing_mm: float = 3.0,
    effect: float = 1.0,
    shortcut: str | None = None,
    rescan: int = 0,
    seed: int = 42,
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """Write a simulated longitudinal cohort in BIDS layout; the same arguments give the same bytes.

    A third of the subjects starts in each of CN, MCI and AD. The dataset appears under its name only when it is complete.

    Args:
        directory: Folder of the dataset, absent or empty.
        subjects: Number of subjects, at least 3.
        visits: Smallest and largest number of visits per subject, a year apart.
        spacing_mm: Edge of the cubic voxels in mm, 1 to 8.
        effect: Factor on the declared effect sizes, 0 to 2; 0 makes a null cohort.
        shortcut: "site" plants a scanner that betrays the diagnosis; `None` plants nothing.
        rescan: Number of subjects whose first session is scanned twice.
        seed: Seed of everything random.
        workers: Number of threads; `None` means one per core, and at most 8. It does not change the files.
        progress: Whether to show a progress bar.

    Returns:
        Folder of the dataset.

    Raises:
        UserError: If an argument is out of range or the folder is not empty, then or in the end.
    """
    target = Path(directory)
    _check(target, subjects, visits, spacing_mm, effect, shortcut, rescan, workers)
    settings = {
        "subjects": subjects,
        "visits": list(visits),
        "spacing_mm": spacing_mm,
        "effect": effect,
        "shortcut": shortcut,
        "rescan": rescan,
        "seed": seed,
    }
    drawn = list(_draw(subjects, visits, effect, shortcut, rescan, seed))
    scanner = prepare_scanner(spacing_mm)
    target.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        with ThreadPoolExecutor(workers or min(os.cpu_count() or 1, 8)) as pool:
            scanned = pool.map(partial(scan_subject, building, scanner, seed), drawn)
            rows = list(tqdm(scanned, total=subjects, desc="demo cohort", unit="subject", disable=not progress))
        truth = pd.DataFrame([row for subject_rows in rows for row in subject_rows])
        write_tables(building, drawn, truth, settings, __version__)
        building.chmod(0o755)
        _move(building, target)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return target


def _move(building: Path, target: Path) -> None:
    try:
        if target.exists():
            target.rmdir()
        building.rename(target)
    except OSError as error:
        raise UserError(f"{target} was filled by another process in the meantime; name another folder") from error


def _check(
    target: Path,
    subjects: int,
    visits: tuple[int, int],
    spacing_mm: float,
    effect: float,
    shortcut: str | None,
    rescan: int,
    workers: int | None,
) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UserError(f"demo-cohort: {target} exists and is not an empty folder; name a new one")
    if subjects < 3:
        raise UserError(f"demo-cohort: subjects must be at least 3, one per diagnosis; got {subjects}")
    if not 1 <= visits[0] <= visits[1] <= 10:
        raise UserError(f"demo-cohort: visits must be a range within 1 to 10; got {visits[0]} to {visits[1]}")
    if not 1.0 <= spacing_mm <= 8.0:
        raise UserError(f"demo-cohort: spacing must lie within 1 and 8 mm; got {spacing_mm}")
    if not 0.0 <= effect <= 2.0:
        raise UserError(f"demo-cohort: effect must lie within 0 (null cohort) and 2; got {effect}")
    if shortcut not in SHORTCUTS:
        raise UserError(f"demo-cohort: shortcut must be 'site' or left out; got {shortcut!r}")
    if not 0 <= rescan <= subjects:
        raise UserError(f"demo-cohort: rescan must lie within 0 and the number of subjects, {subjects}; got {rescan}")
    if workers is not None and workers < 1:
        raise UserError(f"demo-cohort: workers must be at least 1; got {workers}")


def _draw(
    subjects: int, visits: tuple[int, int], effect: float, shortcut: str | None, rescan: int, seed: int
) -> Iterator[Subject]:
    order = stream(seed, 0, _ORDER_STREAM)
    stages = order.permutation([DIAGNOSES[i % len(DIAGNOSES)] for i in range(subjects)])
    twice = set(order.permutation(subjects)[:rescan].tolist())
    for index, stage in enumerate(stages):
        yield sample_subject(
            seed,
            index,
            str(stage),
            visits=visits,
            effect=effect,
            shortcut=shortcut,
            rescan=index in twice,
        )
