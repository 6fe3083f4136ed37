"""The study of planted regions: how well a map tells them from the rest of the brain."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "studies" / "planted_regions.py"


@pytest.fixture(scope="module")
def study() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def test_a_region_is_told_from_what_is_in_none(study: dict[str, Any]) -> None:
    brain = np.ones((6, 6), bool)
    brain[0] = False
    left, right = np.zeros((6, 6), bool), np.zeros((6, 6), bool)
    left[1:3, :2], right[1:3, 4:] = True, True
    regions = {"all planted": left | right, "left": left, "right": right}
    # The left one is found, the right one is not; what lies outside of the brain is not asked.
    values = left + 0.0
    values[0] = 9.0
    assert study["found"](values, regions, brain) == pytest.approx([0.75, 1.0, 0.5])
    # A map that is high in the other region alone is no better than chance for this one, and no worse.
    assert study["found"](right + 0.0, regions, brain)[1] == pytest.approx(0.5)
    noise = np.random.default_rng(0).normal(size=(200, 6, 6))
    assert np.mean([study["found"](values, regions, brain)[0] for values in noise]) == pytest.approx(0.5, abs=0.03)


def test_several_networks_are_told_by_their_mean_and_range(study: dict[str, Any]) -> None:
    assert study["_cell"](np.array([0.5, 0.6])) == "0.550 (0.50-0.60)"
    assert study["_cell"](np.array([0.8123])) == "0.812"
