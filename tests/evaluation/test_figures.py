from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from admoe_monai.evaluation.figures import MASK_COLOUR, figure_to_rgb, reconstruction_figure


def draw(shape: tuple[int, ...], **kwargs: object) -> Figure:
    rng = np.random.default_rng(0)
    image = rng.normal(size=(1, *shape))
    mask = np.zeros((1, *(-(-length // 4) for length in shape)), dtype=bool)
    mask[0, 0] = True
    return reconstruction_figure(image, mask, image + 1, 4, **kwargs)  # type: ignore[arg-type]


def pixels(figure: Figure, panel: int) -> np.ndarray:
    return np.asarray(figure.axes[panel].images[0].get_array())


@pytest.mark.parametrize(("shape", "panels"), [((8, 12), 4), ((8, 12, 10), 12)])
def test_every_plane_has_four_labelled_panels(shape: tuple[int, ...], panels: int) -> None:
    figure = draw(shape)
    assert len(figure.axes) == panels
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[:4] == ["original", "masked", "reconstructed", "visible + reconstructed"]
    assert not any(titles[4:])
    assert [axis.get_ylabel() for axis in figure.axes[::4]][: len(shape)] == (
        ["sagittal", "coronal", "axial"] if len(shape) == 3 else [""]
    )


def test_the_first_axis_points_right_and_the_second_up() -> None:
    image = np.zeros((1, 8, 12))
    image[0, 7, 11] = 1.0
    figure = reconstruction_figure(image, np.zeros((1, 2, 3), dtype=bool), image, 4)
    assert pixels(figure, 0).shape == (12, 8, 3)
    np.testing.assert_array_equal(np.argwhere(pixels(figure, 0)[..., 0] > 0), [[0, 7]])


def test_masked_patches_and_only_they_are_coloured() -> None:
    masked = pixels(draw((8, 12)), 1)
    coloured = np.isclose(masked, MASK_COLOUR).all(-1)
    assert coloured[:, :4].all()
    assert not coloured[:, 4:].any()


def test_all_panels_share_the_window_of_the_original() -> None:
    figure = draw((8, 12))
    assert (pixels(figure, 2) >= pixels(figure, 0)).all()
    np.testing.assert_array_equal(pixels(figure, 3)[:, 4:], pixels(figure, 0)[:, 4:])
    np.testing.assert_array_equal(pixels(figure, 3)[:, :4], pixels(figure, 2)[:, :4])


def test_spacing_stretches_the_panels() -> None:
    figure = draw((8, 12, 10), spacing=(1.0, 2.0, 3.0))
    assert [float(axis.get_aspect()) for axis in figure.axes[::4]] == pytest.approx([1.5, 3.0, 2.0])  # type: ignore[arg-type]


def test_a_constant_image_can_be_drawn() -> None:
    image = np.ones((1, 8, 8))
    rgb = figure_to_rgb(reconstruction_figure(image, np.ones((1, 2, 2), dtype=bool), image, 4, title="constant"))
    assert rgb.dtype == np.uint8
    assert rgb.ndim == 3
    assert rgb.shape[2] == 3


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(8, 8\)"):
        reconstruction_figure(np.zeros((8, 8)), np.ones((1, 2, 2), dtype=bool), np.zeros((8, 8)), 4)
