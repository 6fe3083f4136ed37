import numpy as np
import pytest
import torch

from admoe_monai.transforms import NormalizeForeground, NormalizeForegroundd


def scan(shape: tuple[int, ...] = (16, 16, 16)) -> tuple[np.ndarray, np.ndarray]:
    image = np.random.default_rng(0).gamma(3.0, 100.0, size=(1, *shape)).astype(np.float32)
    foreground = np.zeros((1, *shape), dtype=np.uint8)
    foreground[:, 3:13, 2:14] = 1
    return image, foreground


@pytest.mark.parametrize("shape", [(32, 32), (16, 16, 16)])
def test_the_foreground_gets_mean_zero_and_deviation_one_and_the_background_zero(shape):
    image, foreground = scan(shape)
    output = NormalizeForeground()(image, foreground)
    inside = output[foreground == 1]

    assert output.dtype == np.float32
    assert inside.mean() == pytest.approx(0, abs=1e-5)
    assert inside.std() == pytest.approx(1, abs=1e-5)
    assert not output[foreground == 0].any()


def test_it_equals_clip_then_z_score_by_hand():
    image, foreground = scan()
    values = image[foreground == 1].astype(np.float64)
    low, high = np.percentile(values, [5, 90])
    clipped = np.clip(values, low, high)
    expected = (clipped - clipped.mean()) / clipped.std()

    np.testing.assert_allclose(NormalizeForeground(5, 90)(image, foreground)[foreground == 1], expected, atol=1e-4)


def test_neither_scale_nor_offset_nor_background_matters():
    image, foreground = scan()
    other = np.where(foreground == 1, 3.5 * image + 20, -1e6)

    np.testing.assert_allclose(
        NormalizeForeground()(other, foreground), NormalizeForeground()(image, foreground), atol=1e-4
    )


def test_channels_are_normalised_by_themselves():
    image, foreground = scan()
    output = NormalizeForeground()(np.concatenate([image, 10 * image + 5]), foreground)

    np.testing.assert_allclose(output[0], output[1], atol=1e-4)


def test_the_twin_normalises_without_touching_its_input():
    image, foreground = scan()
    item = {"image": torch.from_numpy(image), "foreground": foreground}
    output = NormalizeForegroundd("image")(item)

    assert isinstance(output["image"], torch.Tensor)
    assert output["image"].std() < 2 < item["image"].std()


@pytest.mark.parametrize("bounds", [(-1, 99), (50, 50), (1, 101), (99, 1)])
def test_percentiles_out_of_order_are_refused(bounds):
    with pytest.raises(ValueError, match="percentiles must satisfy"):
        NormalizeForeground(*bounds)


def test_an_empty_foreground_a_constant_one_and_another_size_are_refused():
    image, foreground = scan()
    with pytest.raises(ValueError, match="foreground is empty"):
        NormalizeForeground()(image, np.zeros_like(foreground))
    with pytest.raises(ValueError, match="foreground is constant"):
        NormalizeForeground()(np.ones_like(image), foreground)
    with pytest.raises(ValueError, match="differ in size"):
        NormalizeForeground()(image[:, :8], foreground)
