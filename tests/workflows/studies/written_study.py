"""Files of studies for tests, and the settings of a network that trains in seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from admoe_monai.data import load_datalist, save_datalist
from admoe_monai.errors import UserError
from admoe_monai.workflows.studies.start import snakemake
from tiny_runs import TINY_SETTINGS


def has_snakemake() -> bool:
    try:
        return bool(snakemake())
    except UserError:
        return False


needs_snakemake = pytest.mark.skipif(not has_snakemake(), reason="Snakemake is not on the PATH")
#: Of all arms; what the study itself sets is left out.
SETTINGS = {name: value for name, value in TINY_SETTINGS.items() if name != "name"}
ARMS: dict[str, Any] = {"full": None, "image alone": {"overlays": ["image_alone"]}}


def write_study(folder: Path, **changes: Any) -> Path:
    """Write a study of two arms, two folds and one seed, with these entries in the place of its own; None takes one away."""
    content = {
        "name": "made up",
        "folds": [str(folder / f"fold{k}.json") for k in range(2)],
        "seeds": [1],
        "settings": SETTINGS,
        "primary": {"task": "diagnosis", "figure": "balanced_accuracy"},
        "arms": ARMS,
        **changes,
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not None}, sort_keys=False))
    return path


def write_folds(folder: Path, datalist: Path) -> None:
    """Make two folds of a datalist: in the second, test and training people change places."""
    cohort = load_datalist(datalist)
    save_datalist(folder / "fold0.json", cohort)
    splits = {**cohort.splits, "training": cohort.splits["test"], "test": cohort.splits["training"]}
    save_datalist(folder / "fold1.json", replace(cohort, splits=splits))
