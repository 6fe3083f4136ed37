"""A clean cohort on disk, and a way to plant a leak in a copy of its datalist."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from admoe_monai.data import Datalist, load_datalist
from made_up_cohort import cohort_on_disk

Plant = Callable[[dict[str, Any], Path], None]


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The datalist of fifteen subjects, two slices each. Not to be written to."""
    return cohort_on_disk(tmp_path_factory.mktemp("clean"))


@pytest.fixture
def planted(clean: Path, tmp_path: Path) -> Callable[[Plant], Datalist]:
    """Load the clean cohort after something was changed in its datalist; new images go below the folder of a test."""

    def load(plant: Plant) -> Datalist:
        content = json.loads(clean.read_text())
        for visit in (visit for split in ("training", "validation", "test") for visit in content[split]):
            (tmp_path / visit["image"]).symlink_to(clean.parent / visit["image"])
        plant(content, tmp_path)
        (tmp_path / "datalist.json").write_text(json.dumps(content))
        return load_datalist(tmp_path / "datalist.json", refuse_overlaps=False)

    return load
