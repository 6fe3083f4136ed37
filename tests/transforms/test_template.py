import numpy as np
import pytest

from admoe_monai.transforms import BOX_END_MM, BOX_START_MM, load_template, on_template_grid, template_grid


def test_at_one_millimetre_the_crop_is_cut_from_the_template_and_not_interpolated():
    from nilearn.datasets import load_mni152_template

    shipped = load_mni152_template(resolution=1)
    template = load_template(1.0)
    first = np.round(template.affine[:3, 3] - shipped.affine[:3, 3]).astype(int)
    cut = np.asarray(shipped.dataobj, np.float32)[
        first[0] : first[0] + 168, first[1] : first[1] + 204, : 168 + first[2]
    ]

    np.testing.assert_allclose(template.intensity[:, :, -first[2] :], cut, atol=1e-6)


@pytest.mark.parametrize("spacing_mm", [1.0, 1.5, 2.0, 3.0, 4.0])
def test_every_spacing_fills_the_same_box_around_the_whole_brain(spacing_mm):
    shape, affine = template_grid(spacing_mm)
    template = load_template(spacing_mm)
    edges = affine[:3, 3] - spacing_mm / 2

    np.testing.assert_allclose(edges, BOX_START_MM)
    np.testing.assert_allclose(edges + np.array(shape) * spacing_mm, BOX_END_MM)
    assert template.brain.shape == template.intensity.shape == shape
    assert template.brain.sum() * spacing_mm**3 == pytest.approx(1.883e6, rel=2e-3)
    # The margin: no voxel of the brain within 4 mm of the edge.
    margin = int(4 / spacing_mm)
    assert template.brain[margin:-margin, margin:-margin, margin:-margin].sum() == template.brain.sum()


@pytest.mark.parametrize("spacing_mm", [0.0, -1.0, 0.7, 5.0, 100.0])
def test_a_spacing_that_does_not_fill_the_box_is_refused(spacing_mm):
    with pytest.raises(ValueError, match="must divide 12 mm into whole voxels"):
        template_grid(spacing_mm)


def grid(corner, spacing=1.0):
    affine = np.diag([spacing] * 3 + [1.0])
    affine[:3, 3] = corner
    return affine


def test_our_own_grids_and_those_of_other_software_are_known():
    for spacing_mm in (1.0, 2.0, 3.0):
        assert on_template_grid(*template_grid(spacing_mm))
    assert on_template_grid((169, 208, 179), grid((-84, -119, -78)))
    # As FSL stores it, from right to left.
    stored = grid((90, -126, -72))
    stored[0, 0] = -1
    assert on_template_grid((182, 218, 182), stored)


@pytest.mark.parametrize(
    ("shape", "affine"),
    [
        ((169, 208, 179), grid((-80, -119, -78))),  # the right size somewhere else
        ((169, 208, 179), grid((-84, -119, -78), 1.1)),
        ((256, 256, 256), grid((-128, -128, -128))),
        ((168, 204), grid((-84, -120, -78))),
    ],
)
def test_other_grids_are_not(shape, affine):
    assert not on_template_grid(shape, affine)


def test_a_turned_grid_is_not_known():
    affine = grid((-84, -119, -78))
    affine[:2, :2] = [[0.995, -0.0998], [0.0998, 0.995]]
    assert not on_template_grid((169, 208, 179), affine)
