"""Where the simulated disease acts, in a head of the template's shape."""

from __future__ import annotations

import numpy as np
import pytest

from admoe_monai.data.demo_cohort.anatomy import STRUCTURES, load_anatomy
from admoe_monai.data.demo_cohort.grid import CENTRE, grid_shape, scan_affine
from admoe_monai.data.demo_cohort.planted import as_points, planted_structures

VOLUMES = {"lateral_ventricles": 19_000.0, "hippocampus_left": 3_300.0, "hippocampus_right": 3_400.0}


def test_structures_have_the_volumes_that_are_asked_for_at_the_place_that_a_smaller_head_has_them() -> None:
    points, voxel = as_points(scan_affine(4.0), grid_shape(4.0)), 4.0**3
    whole = float(load_anatomy().brain.sum(dtype=np.float64))
    for size in (whole, 0.75 * whole):
        found = planted_structures(points, size, VOLUMES)
        assert {name: float(share.sum()) * voxel for name, share in found.items()} == pytest.approx(VOLUMES, rel=0.1)
        centres = {name: (points * found[name]).sum(1) / found[name].sum() for name in STRUCTURES}
        assert centres["hippocampus_left"][0] < -15 < 15 < centres["hippocampus_right"][0]
        if size == whole:
            before = centres
    shrunk = [(centres[name] - CENTRE) / (before[name] - CENTRE) for name in STRUCTURES[1:]]
    assert np.allclose([ratio[0] for ratio in shrunk], 0.75 ** (1 / 3), atol=0.03)


def test_points_are_where_the_affine_puts_the_voxels() -> None:
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    affine[:3, 3] = (10, 20, 30)
    points = as_points(affine, (2, 2, 3))
    assert points.shape == (3, 12)
    assert points[:, 5].tolist() == [10.0, 23.0, 38.0]
