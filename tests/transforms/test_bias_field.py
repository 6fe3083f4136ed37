import pytest
import torch
from monai.data import MetaTensor

from admoe_monai.transforms import CorrectBiasField, CorrectBiasFieldd
from synthetic_heads import head_scan

ITERATIONS = (15, 15, 10)  # half as many as by default, enough for a field this plain


@pytest.fixture(scope="module")
def shaded() -> MetaTensor:
    """A skull-stripped scan under a field that doubles the brightness from the back of the head to its front."""
    scan = head_scan(state="skull_stripped", noise=2.0, spacing_mm=4.0, shape=(56, 66, 60))
    y = torch.linspace(-1, 1, scan.shape[2])[None, None, :, None]
    return scan * torch.exp(0.5 * y)


@pytest.fixture(scope="module")
def corrected(shaded: MetaTensor) -> MetaTensor:
    return CorrectBiasField(ITERATIONS)(shaded)


def variation_in_white_matter(scan: MetaTensor) -> float:
    unshaded = head_scan(state="skull_stripped", noise=2.0, spacing_mm=4.0, shape=(56, 66, 60))
    values = scan.numpy()[unshaded.numpy() > 820]
    return float(values.std() / values.mean())


def test_shading_within_a_tissue_drops(shaded, corrected):
    assert variation_in_white_matter(shaded) > 0.15
    assert variation_in_white_matter(corrected) < 0.05


def test_type_affine_and_background_stay(shaded, corrected):
    assert corrected.dtype == torch.float32
    torch.testing.assert_close(corrected.affine, shaded.affine)
    assert torch.equal(corrected == 0, shaded == 0)


def test_a_background_above_zero_stays_as_well(shaded, corrected):
    torch.testing.assert_close(CorrectBiasField(ITERATIONS)(shaded + 7), corrected + 7, rtol=1e-3, atol=0.5)


def test_the_twin_gives_the_same_bits(shaded, corrected):
    assert torch.equal(CorrectBiasFieldd("image", ITERATIONS)({"image": shaded})["image"], corrected)
    assert CorrectBiasFieldd("image", allow_missing_keys=True)({}) == {}


def test_a_volume_without_an_affine_is_refused():
    with pytest.raises(ValueError, match="expected a MetaTensor with its affine"):
        CorrectBiasField()(torch.ones(1, 8, 8, 8))


@pytest.mark.parametrize("iterations", [(), (10, 0)])
def test_iterations_must_be_positive(iterations):
    with pytest.raises(ValueError, match="iterations must be positive"):
        CorrectBiasField(iterations)
