from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import ttest_rel

from admoe_monai.evaluation.inpainting import smoothest_interpolation
from admoe_monai.evaluation.reconstruction import (
    compare_reconstructions,
    masked_error,
    mean_volume,
    reconstruction_errors,
    voxel_mask,
)


def test_a_patch_becomes_its_voxels_cropped_to_the_image() -> None:
    mask = np.zeros((1, 2, 3), dtype=bool)
    mask[0, 1, 2] = True
    expected = np.zeros((5, 11), dtype=bool)
    expected[4:, 8:] = True
    np.testing.assert_array_equal(voxel_mask(mask, 4, (5, 11)), expected)


def test_patches_may_differ_between_axes_in_three_dimensions() -> None:
    mask = np.ones((1, 2, 2, 1), dtype=bool)
    mask[0, 0, 0, 0] = False
    voxels = voxel_mask(mask, (2, 3, 4), (4, 6, 4))
    assert voxels.shape == (4, 6, 4)
    assert (~voxels).sum() == 2 * 3 * 4


def test_a_mask_of_another_grid_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 2\).*\(2, 3\)"):
        voxel_mask(np.ones((1, 2, 2), dtype=bool), 4, (8, 9))


def test_the_mean_volume_is_the_mean() -> None:
    images = np.random.default_rng(0).normal(size=(5, 1, 4, 4)).astype(np.float32)
    np.testing.assert_allclose(mean_volume(iter(images)), images.mean(0), atol=1e-6)
    with pytest.raises(ValueError, match="no image"):
        mean_volume([])


def test_only_masked_foreground_is_scored() -> None:
    rng = np.random.default_rng(0)
    image = rng.normal(size=(2, 8, 8))
    mask = np.array([[[True, False], [False, True]]])
    foreground = np.zeros((1, 8, 8), dtype=np.uint8)
    foreground[:, 2:6, 1:7] = 1
    scored = voxel_mask(mask, 4, (8, 8)) & (foreground[0] > 0)
    prediction = np.where(scored, image + 0.5, 99.0)
    mean = np.zeros_like(image)
    errors = reconstruction_errors(image, prediction, mask, 4, foreground, mean)
    assert errors["model"] == pytest.approx(0.5)
    assert errors["training_mean"] == pytest.approx(np.abs(image[:, scored]).mean())
    filled = np.stack([smoothest_interpolation(channel, voxel_mask(mask, 4, (8, 8))) for channel in image])
    assert errors["interpolation"] == pytest.approx(np.abs(filled - image)[:, scored].mean())


def test_interpolation_of_a_smooth_image_beats_a_poor_prediction_in_three_dimensions() -> None:
    image = sum(np.indices((16, 16, 16)))[None] / 16.0
    mask = np.zeros((1, 4, 4, 4), dtype=bool)
    mask[0, 1:3, 1:3, 1:3] = True
    errors = reconstruction_errors(image, np.zeros_like(image), mask, 4)
    assert errors["interpolation"] < 0.01 < errors["model"]
    assert "training_mean" not in errors


def test_nothing_to_score_is_refused() -> None:
    image = np.zeros((1, 4, 4))
    with pytest.raises(ValueError, match="no voxel"):
        masked_error(image, image, np.zeros((4, 4), dtype=bool))
    with pytest.raises(ValueError, match="shapes differ"):
        masked_error(image, np.zeros((1, 4, 5)), np.ones((4, 5), dtype=bool))


def test_differences_are_paired() -> None:
    rng = np.random.default_rng(0)
    difficulty = rng.normal(3.0, 1.0, 60)
    model = difficulty - 0.1 + rng.normal(0, 0.05, 60)
    errors = [{"model": a, "interpolation": b} for a, b in zip(model, difficulty, strict=True)]
    result = compare_reconstructions(errors, [f"s{k}" for k in range(60)])
    gain = result["model_minus"]["interpolation"]
    interval = ttest_rel(model, difficulty).confidence_interval()
    assert gain["value"] == pytest.approx((model - difficulty).mean())
    assert [gain["low"], gain["high"]] == pytest.approx([interval.low, interval.high], abs=0.003)
    assert result["errors"]["model"]["high"] - result["errors"]["model"]["low"] > 5 * (gain["high"] - gain["low"])
    assert json.dumps(result, allow_nan=False)


def test_images_of_a_subject_count_as_one_subject() -> None:
    result = compare_reconstructions([{"model": 1.0}, {"model": 3.0}], ["a", "a"], n_boot=10)
    assert (result["n_subjects"], result["n_images"]) == (1, 2)
    assert result["errors"]["model"]["value"] == 2.0
    assert result["errors"]["model"]["low"] is None


@pytest.mark.parametrize(
    ("errors", "subjects", "message"),
    [
        ([], [], "0 errors"),
        ([{"model": 1.0}], ["a", "b"], "1 errors for 2 subjects"),
        ([{"model": 1.0}, {"model": 1.0, "interpolation": 2.0}], ["a", "b"], "not every image"),
    ],
)
def test_unpaired_errors_are_refused(errors: list[dict[str, float]], subjects: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare_reconstructions(errors, subjects)
