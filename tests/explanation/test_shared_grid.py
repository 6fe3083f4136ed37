"""Maps of heads that lie elsewhere in their inputs, on one grid."""

from __future__ import annotations

import numpy as np
import pytest

from admoe_monai.explanation.averages import MeanMap, strength_over
from admoe_monai.explanation.shared_grid import SharedGrid


def affine_at(*origin: float) -> np.ndarray:
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = origin
    return affine


def test_one_place_of_the_brain_is_one_voxel_whatever_the_crop() -> None:
    affines = [affine_at(-30, -30, -30), affine_at(-27, -30, -30), affine_at(-30, -36, -27)]
    grid = SharedGrid.around(affines, (20, 21, 22))
    place = np.array([3.0, 6.0, -9.0])
    found = []
    for affine in affines:
        volume = np.zeros((20, 21, 22))
        volume[tuple(np.round((place - affine[:3, 3]) / 3).astype(int))] = 1
        found.append(grid.gather(volume, affine))
    assert [int(values.argmax()) for values in found] == [int(found[0].argmax())] * 3
    # On one lattice nothing is smoothed.
    assert [float(values.max()) for values in found] == [1.0] * 3
    voxel = np.unravel_index(int(found[0].argmax()), grid.shape)
    assert np.allclose(grid.affine[:3, :3] @ voxel + grid.affine[:3, 3], place)


def test_the_grid_lies_in_the_middle_on_the_lattice_of_the_first() -> None:
    grid = SharedGrid.around([affine_at(0, 0, 0), affine_at(4, 3, 0), affine_at(5, 3, 0)], (8, 8, 8))
    assert np.allclose(grid.affine[:3, 3], [3, 3, 0])
    assert grid.edge_mm == 3.0


@pytest.mark.parametrize("nearest", [True, False])
def test_handing_back_undoes_gathering(nearest: bool) -> None:
    grid, other = SharedGrid((10, 10, 10), affine_at(0, 0, 0)), affine_at(3, -3, 6)
    volume = np.zeros((10, 10, 10))
    volume[3:6, 4:7, 3:6] = np.arange(27).reshape(3, 3, 3)
    assert np.allclose(grid.gather(grid.hand_back(volume, other, nearest), other), volume)


def test_slices_are_averaged_as_they_are() -> None:
    grid = SharedGrid.around([np.eye(4)] * 2, (5, 6))
    volume = np.arange(30.0).reshape(5, 6)
    assert np.array_equal(grid.gather(volume, np.eye(4)), volume)


def test_the_mean_and_strength_over_people() -> None:
    maps = np.random.default_rng(0).normal(1, 2, (7, 3, 4))
    found = MeanMap()
    for values in maps:
        found.add(values)
    assert found.people == 7
    assert np.allclose(found.mean, maps.mean(0))
    assert np.allclose(found.strength(), np.sqrt((maps**2).mean(0)))


def test_what_training_has_added_is_told_from_what_the_make_of_a_network_prefers() -> None:
    make = np.linspace(1, 5, 1000).reshape(10, 10, 10)
    learned = np.ones_like(make)
    learned[4, 5, 5] = 3
    ratio = strength_over(7 * make * learned, make, np.ones_like(make), blur=0.01)
    assert np.median(ratio) == pytest.approx(1)
    assert ratio[4, 5, 5] == pytest.approx(3)
    assert np.unravel_index(int(ratio.argmax()), ratio.shape) == (4, 5, 5)
    head = np.ones_like(make)
    head[0] = 0
    assert not strength_over(make, make, head)[0].any()
