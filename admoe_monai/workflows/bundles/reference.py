"""Measures of the scans of training, so that a bundle can tell how far a new scan lies from them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from admoe_monai.errors import UserError
from admoe_monai.transforms import LoadScan, ScreenScand, scan_measures
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of

logger = logging.getLogger(__name__)

#: Above this share of training scans that screening would refuse, the model was not trained on whole T1w brains.
LARGEST_REFUSED = 0.1


def measure_training(
    run: TrainedRun, count: int, seed: int = 0, dataset_dir: Path | None = None
) -> dict[str, Any] | None:
    """Measure scans of training, one of each subject.

    Args:
        run: Finished run.
        count: Number of scans, drawn at random.
        seed: Seed of the draw.
        dataset_dir: Folder of the run's images, if they were moved.

    Returns:
        ``measures`` (``q1``, ``median`` and ``q3`` of each, and ``n``), ``states``, ``scans``, and ``refused``: how many
        of them screening would refuse, None for slices. None if none is wanted, or the scans can't be had any more.
    """
    if not count:
        return None
    try:
        cohort = cohort_of(run, dataset_dir=dataset_dir)
    except UserError as error:
        logger.warning("New scans won't be compared with those of training, which can't be had: %s", error)
        return None
    first = {str(visit["subject_id"]): visit for visit in reversed(cohort.items("training"))}
    subjects = sorted(first)
    drawn = np.random.default_rng(seed).permutation(len(subjects))[:count]
    visits = [first[subjects[index]] for index in sorted(drawn)]
    volumes = run.settings["spatial_dims"] == 3
    registrations = _registrations(visits) if volumes else [None] * len(visits)
    store = run.phase(visits, torch.device("cpu"))["validate::store"]
    measures = [
        scan_measures(item["image"], item["foreground"], registration)
        for item, registration in zip((store[index] for index in range(len(visits))), registrations, strict=True)
    ]
    located = [registration for registration in registrations if registration is not None]
    return {
        "scans": len(visits),
        "refused": len(visits) - len(located) if volumes else None,
        "states": sorted({registration["state"] for registration in located}),
        "measures": {name: _quartiles([m[name] for m in measures if name in m]) for name in _names(measures)},
    }


def _names(measures: Sequence[Mapping[str, float]]) -> list[str]:
    return list(dict.fromkeys(name for row in measures for name in row))


def _quartiles(values: Sequence[float]) -> dict[str, float]:
    q1, median, q3 = np.percentile(values, (25, 50, 75))
    return {"q1": float(q1), "median": float(median), "q3": float(q3), "n": len(values)}


def _registrations(visits: Sequence[Mapping[str, Any]]) -> list[dict[str, Any] | None]:
    """Collect how each scan lies on the template: what preprocessing has recorded, or what is measured now; None if refused."""
    load, screen = LoadScan(), ScreenScand("image")
    found: list[dict[str, Any] | None] = []
    with logging_redirect_tqdm():
        for visit in tqdm(visits, desc="Measuring scans of training", unit="scan", disable=None):
            item: dict[Any, Any] = {"image": load(visit["image"])}
            recorded = _recorded(Path(visit["image"]))
            if recorded is not None:
                item["registration"] = recorded
            try:
                found.append(screen(item)["registration"])
            except UserError:
                found.append(None)
    return found


def _recorded(image: Path) -> dict[str, Any] | None:
    """Read what `admoe preprocess` has written beside a scan."""
    sidecar = image.with_name(image.name.removesuffix(".nii.gz") + ".json")
    try:
        record: dict[str, Any] = json.loads(sidecar.read_text(encoding="utf-8"))["registration"]
        return record if "voxel_mm" in record else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
