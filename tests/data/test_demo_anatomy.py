import numpy as np
import pytest

from admoe_monai.data.demo_cohort.anatomy import STRUCTURES, load_anatomy, sample
from admoe_monai.data.demo_cohort.growth import Flow, load_flow
from admoe_monai.data.demo_cohort.smooth_field import smooth_field


def centroid(structure):
    anatomy = load_anatomy()
    where = np.argwhere(anatomy.labels[structure] > 0.5)
    return where.mean(axis=0) + anatomy.origin


@pytest.mark.parametrize(
    ("structure", "low", "high"),
    [
        ("lateral_ventricles", 10_000, 30_000),
        ("hippocampus_left", 3_000, 5_500),
        ("hippocampus_right", 3_000, 5_500),
    ],
)
def test_label_has_a_plausible_volume(structure, low, high):
    assert low < load_anatomy().labels[structure].sum() < high


def test_hippocampi_lie_where_they_should():
    np.testing.assert_allclose(centroid("hippocampus_right"), (27, -23, -14), atol=4)
    np.testing.assert_allclose(centroid("hippocampus_left"), (-27, -23, -14), atol=4)


def test_ventricles_are_dark_and_hippocampi_grey():
    anatomy = load_anatomy()
    ventricle = anatomy.intensity[anatomy.labels["lateral_ventricles"] > 0.9].mean()
    hippocampus = anatomy.intensity[anatomy.labels["hippocampus_left"] > 0.9].mean()
    assert ventricle < 0.45 < 0.6 < hippocampus < 0.8


def test_sample_reads_a_linear_ramp_exactly():
    ramp = np.arange(5, dtype=np.float32)[:, None, None] * np.ones((5, 4, 4), dtype=np.float32)
    points = np.array([[11.0, 13.5], [0.5, 2.0], [1.0, 1.0]], dtype=np.float32)
    values = sample(ramp, points, np.array([10.0, 0.0, 0.0]), spacing=2.0)
    np.testing.assert_allclose(values, [0.5, 1.75])


def test_flow_refuses_an_unknown_structure():
    with pytest.raises(ValueError, match="'amygdala'"):
        Flow(load_anatomy(), "amygdala")


@pytest.mark.parametrize("structure", STRUCTURES)
def test_volume_rises_with_the_amount(structure):
    assert np.all(np.diff(load_flow(structure).log_volumes) > 0)


def test_amount_and_volume_are_inverse():
    flow = load_flow("hippocampus_left")
    assert flow.log_volume_at(flow.amount_for(np.log(3_000.0))) == pytest.approx(np.log(3_000.0), abs=1e-9)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_flow_does_not_fold_space(structure):
    flow = load_flow(structure)
    for displacement in (flow.displacements[0], flow.displacements[-1]):
        slopes = [[np.gradient(displacement[i], 2.0, axis=j) for j in range(3)] for i in range(3)]
        jacobian = np.moveaxis(np.array(slopes), (0, 1), (-2, -1)) + np.eye(3)
        assert np.linalg.det(jacobian).min() > 0


def test_flow_leaves_distant_points_alone():
    points = np.array([[0.0], [-90.0], [60.0]], dtype=np.float32)
    np.testing.assert_array_equal(load_flow("lateral_ventricles").move(points, 5.0), points)


def test_smooth_field_has_no_fine_detail():
    field = smooth_field(np.random.default_rng(0), (40, 40, 40), spacing=2.0, distance=40.0)
    assert field.shape == (40, 40, 40)
    assert 0.3 < field.std() < 2.0
    assert np.abs(np.diff(field, axis=0)).max() < 0.35


def test_smooth_field_refuses_a_distance_of_zero():
    with pytest.raises(ValueError, match="got 0"):
        smooth_field(np.random.default_rng(0), (4, 4), 1.0, 0)
