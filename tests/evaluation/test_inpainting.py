from __future__ import annotations

import numpy as np
import pytest

from admoe_monai.evaluation.inpainting import smoothest_interpolation

SHAPES = [(20, 22), (12, 14, 13)]


def block(shape: tuple[int, ...], start: int = 4, stop: int = 9) -> np.ndarray:
    masked = np.zeros(shape, dtype=bool)
    masked[(slice(start, stop),) * len(shape)] = True
    return masked


def ramp(shape: tuple[int, ...]) -> np.ndarray:
    return sum((axis + 1.0) * grid for axis, grid in enumerate(np.indices(shape))) / 10


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("order", [1, 2])
def test_a_linear_ramp_comes_back(shape: tuple[int, ...], order: int) -> None:
    filled = smoothest_interpolation(ramp(shape), block(shape), order, tolerance=1e-10)
    np.testing.assert_allclose(filled, ramp(shape), atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_order_2_continues_a_ramp_to_the_edge_of_the_volume(shape: tuple[int, ...]) -> None:
    masked = block(shape)
    masked[:3] = True
    filled = smoothest_interpolation(ramp(shape), masked, order=2, tolerance=1e-12)
    np.testing.assert_allclose(filled, ramp(shape), atol=1e-3)


def test_order_2_follows_a_curved_surface_that_order_1_flattens() -> None:
    x, y = np.indices((24, 24)) / 24
    surface = np.sin(3 * x) * np.cos(3 * y)
    masked = block((24, 24), 8, 16)
    error = [np.abs(smoothest_interpolation(surface, masked, order, 1e-8) - surface).max() for order in (1, 2)]
    assert error[1] < error[0] / 4


def test_order_1_equals_relaxation_to_the_mean_of_the_neighbours() -> None:
    rng = np.random.default_rng(0)
    image, masked = rng.normal(size=(10, 9)), rng.random((10, 9)) < 0.5
    relaxed = np.where(masked, 0.0, image)
    for _ in range(3000):
        padded = np.pad(relaxed, 1, mode="constant", constant_values=np.nan)
        neighbours = [padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
        relaxed = np.where(masked, np.nanmean(neighbours, axis=0), image)
    np.testing.assert_allclose(smoothest_interpolation(image, masked, 1, tolerance=1e-12), relaxed, atol=1e-8)


@pytest.mark.parametrize("order", [1, 2])
def test_hidden_values_have_no_influence_and_visible_ones_stay(order: int) -> None:
    rng = np.random.default_rng(1)
    image, masked = rng.normal(size=(9, 10, 11)), block((9, 10, 11), 2, 6)
    disturbed = np.where(masked, 1e3, image)
    filled = smoothest_interpolation(image, masked, order)
    np.testing.assert_array_equal(filled, smoothest_interpolation(disturbed, masked, order))
    np.testing.assert_array_equal(filled[~masked], image[~masked])


def test_without_a_mask_the_image_comes_back() -> None:
    image = np.random.default_rng(0).normal(size=(5, 6))
    np.testing.assert_array_equal(smoothest_interpolation(image, np.zeros((5, 6), dtype=bool)), image)


@pytest.mark.parametrize(
    ("shape", "masked", "order", "message"),
    [
        ((4, 4), np.zeros((4, 5), dtype=bool), 2, r"\(4, 5\)"),
        ((4, 4), np.ones((4, 4), dtype=bool), 2, "every voxel is masked"),
        ((4, 4), np.eye(4, dtype=bool), 3, "order must be 1 or 2, got 3"),
    ],
)
def test_bad_arguments_are_refused(shape: tuple[int, ...], masked: np.ndarray, order: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        smoothest_interpolation(np.zeros(shape), masked, order)
