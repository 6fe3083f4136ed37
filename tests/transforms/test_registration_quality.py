"""Each number leaves its bounds for the failure that it is there for, and no other number does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy.spatial.transform import Rotation

from admoe_monai.transforms import FLAG_MEANINGS
from admoe_monai.transforms.itk_image import affine_of, to_itk
from admoe_monai.transforms.registration_quality import Quality, _correlation, measure_quality
from synthetic_heads import affine_about_the_brain, head_scan


@pytest.fixture(scope="module")
def head() -> MetaTensor:
    return head_scan()


def quality(scan: MetaTensor, matrix: np.ndarray | None = None) -> Quality:
    return measure_quality(to_itk(scan[0], affine_of(scan)), np.eye(4) if matrix is None else matrix)


def test_a_head_in_its_place_passes(head):
    measured = quality(head)

    assert measured.flags == []
    assert measured.correlation > 0.95
    assert (measured.coverage, measured.overlap) == (1.0, pytest.approx(1.0, abs=0.01))
    assert measured.scale == pytest.approx(1.0)


@pytest.mark.parametrize(
    "matrix",
    [
        affine_about_the_brain(Rotation.from_euler("x", 90, degrees=True).as_matrix()),
        affine_about_the_brain(Rotation.from_euler("z", 180, degrees=True).as_matrix()),
        affine_about_the_brain(shift_mm=(0.0, 25.0, 0.0)),
    ],
    ids=["turned", "backwards", "shifted"],
)
def test_a_wrong_place_has_a_low_correlation(head, matrix):
    assert "low_correlation" in quality(head, matrix).flags


def test_an_inverted_contrast_is_told_from_a_wrong_place(head):
    inverted = torch.where(head > 0, 1000 - head, head)

    assert quality(inverted).flags == ["inverted_contrast"]


def test_a_field_of_view_that_cuts_the_brain_is_noticed(head):
    cut = MetaTensor(head.as_tensor()[..., :55], affine=head.affine)  # up to 45 mm above the origin

    assert quality(cut).flags == ["poor_coverage"]
    assert quality(cut).correlation > 0.95


def test_a_blank_half_is_noticed(head):
    half = head.clone()
    half[:, :36] = 0

    assert "poor_overlap" in quality(half).flags


@pytest.mark.parametrize("scale", [0.6, 1.3])
def test_a_head_of_a_wrong_size_is_noticed_although_it_fits(scale):
    matrix = affine_about_the_brain(scale=scale)

    assert quality(head_scan(matrix), matrix).flags == ["implausible_scale"]


def test_a_head_that_is_stretched_is_noticed_although_it_fits():
    matrix = np.diag([0.75, 1.05, 1.0, 1.0])
    matrix[2, 3] = 10

    assert quality(head_scan(matrix), matrix).flags == ["implausible_stretch"]


def test_a_scan_that_lies_elsewhere_has_no_correlation(head):
    measured = quality(head, affine_about_the_brain(shift_mm=(900.0, 0.0, 0.0)))

    assert (measured.correlation, measured.coverage, measured.overlap) == (0.0, 0.0, 0.0)
    assert measured.flags == ["low_correlation", "poor_coverage", "poor_overlap"]


@pytest.mark.parametrize("value", [0.1, 7.3])
def test_constant_values_correlate_with_nothing(value):
    """A record with a number that is none could not be written as JSON."""
    reference = np.random.default_rng(0).random(100_003, dtype=np.float32)
    assert _correlation(np.full(100_003, value, np.float32), reference) == 0.0


def test_every_flag_has_a_meaning():
    worst = Quality(0.0, 0.0, 0.0, 9.0, (9.0, 1.0, 1.0))
    inverted = Quality(-1.0, 1.0, 1.0, 1.0, (1.0, 1.0, 1.0))

    assert {*worst.flags, *inverted.flags, "wrong_orientation"} == FLAG_MEANINGS.keys()
