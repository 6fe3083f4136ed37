"""Pictures of maps: planes through the strongest place, upright, in colours of one scale."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from admoe_monai.explanation.pictures import map_figure

AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])
AFFINE[:3, 3] = (-30, -60, -20)


def panels(figure: Figure) -> list[list[np.ndarray]]:
    """The arrays of each panel: the scan, then the map."""
    found = [[np.asarray(image.get_array()) for image in axis.get_images()] for axis in figure.axes]
    return [arrays for arrays in found if len(arrays) == 2]


def test_a_volume_is_cut_at_its_strongest_place_with_left_to_the_left_and_up_upwards() -> None:
    scan, values = np.random.default_rng(0).uniform(0, 1, (12, 14, 16)), np.zeros((12, 14, 16))
    values[3, 8, 13] = -2.0
    figure = map_figure({"all": values, "AD": values / 2}, scan, AFFINE, "logits", "A title")
    found = panels(figure)
    assert len(found) == 6
    # Rows of a picture with its origin below are the upward axis: (Y, Z), (X, Z), (X, Y) of the planes.
    for (grey, map_), across, place in zip(found, (0, 1, 2), ((13, 8), (13, 3), (8, 3)), strict=False):
        assert map_.shape == grey.shape == scan.take(0, across).T.shape
        assert map_[place] == -2.0
        assert np.isclose(grey, scan.take((3, 8, 13)[across], across).T).all()
    titles = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert titles == ["sagittal, x = -21 mm", "coronal, y = -36 mm", "axial, z = 19 mm"]
    letters = [{text.get_text() for text in axis.texts} for axis in figure.axes[:3]]
    assert letters == [{"P", "A", "I", "S"}, {"L", "R", "I", "S"}, {"L", "R", "P", "A"}]
    assert figure.axes[-1].get_ylabel() == "logits"
    assert [figure.axes[0].get_ylabel(), figure.axes[3].get_ylabel()] == ["all", "AD"]


def test_a_slice_has_one_plane() -> None:
    values = np.zeros((10, 12))
    values[2, 9] = 1
    figure = map_figure({"all": values}, np.ones((10, 12)), np.eye(4), "logits")
    assert [map_[9, 2] for _, map_ in panels(figure)] == [1.0]


def test_nothing_outside_the_head_is_coloured_or_sets_the_scale() -> None:
    values, head = np.zeros((10, 12)), np.zeros((10, 12))
    head[2:8, 2:8] = 1
    values[0, 0], values[4, 4] = 100.0, 1.0
    figure = map_figure({"all": values}, np.ones((10, 12)), np.eye(4), "logits", foreground=head)
    ((_, map_),) = panels(figure)
    assert map_.max() == 1.0


@pytest.mark.parametrize("shape", [(6, 7), (6, 7, 8)])
def test_an_empty_map_can_be_drawn(shape: tuple[int, ...]) -> None:
    figure = map_figure({"all": np.zeros(shape)}, np.zeros(shape), np.eye(4), "logits", foreground=np.zeros(shape))
    figure.canvas.draw()
