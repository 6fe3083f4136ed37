"""Pictures of reconstructions: original, masked and reconstructed, in one grey window.

Axis letters: C channels, S spatial axes (two or three), H and W picture height and width in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from admoe_monai.evaluation.pages.canvas import plain_text
from admoe_monai.evaluation.reconstruction import voxel_mask

MASK_COLOUR = to_rgb("#39577a")
PANEL_INCHES = 2.2
PLANES = ("sagittal", "coronal", "axial")


def reconstruction_figure(
    image: np.ndarray,
    mask: np.ndarray,
    prediction: np.ndarray,
    patch_size: int | Sequence[int],
    spacing: Sequence[float] | None = None,
    title: str = "",
) -> Figure:
    """Draw original | masked | reconstructed | visible and reconstructed, through the middle of each axis.

    One row for a slice, three for a volume in RAS orientation. All panels share the grey window of the original (its
    1st to 99.5th percentile), so that a washed-out reconstruction looks washed out.

    Args:
        image: Array (C, *S); the first channel is drawn.
        mask: Boolean array (1, *grid), True = masked.
        prediction: Array (C, *S), in the units of the image.
        patch_size: Edge of a patch in voxels.
        spacing: Voxel size per axis in mm, for the shape of the panels; None = isotropic.
        title: Title above the panels.

    Raises:
        ValueError: When the image is not two- or three-dimensional or the prediction has another shape.
    """
    if image.ndim not in (3, 4) or prediction.shape != image.shape:
        raise ValueError(
            f"image {image.shape} and prediction {prediction.shape} must both be (C, *S), S of 2 or 3 axes."
        )
    volume, drawn = np.asarray(image[0], dtype=float), np.asarray(prediction[0], dtype=float)
    masked = voxel_mask(mask, patch_size, volume.shape)
    steps = [1.0] * volume.ndim if spacing is None else list(spacing)
    low, high = np.percentile(volume, [1, 99.5])
    grey = [_window(values, low, high) for values in (volume, drawn, np.where(masked, drawn, volume))]
    panels = {
        "original": grey[0],
        "masked": np.where(masked[..., None], MASK_COLOUR, grey[0]),
        "reconstructed": grey[1],
        "visible + reconstructed": grey[2],
    }
    rows = [None] if volume.ndim == 2 else [0, 1, 2]
    figure = Figure(figsize=(PANEL_INCHES * len(panels), PANEL_INCHES * len(rows) + 0.3), layout="constrained", dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), len(panels), squeeze=False)
    for number, (row, across) in enumerate(zip(axes, rows, strict=True)):
        for axis, (name, panel) in zip(row, panels.items(), strict=True):
            plane, aspect = _upright(panel, steps, across)
            axis.imshow(plane, aspect=aspect, interpolation="nearest")
            axis.set_xticks([])
            axis.set_yticks([])
            if number == 0:
                axis.set_title(name, fontsize=9)
        if across is not None:
            row[0].set_ylabel(PLANES[across], fontsize=9)
    if title:
        figure.suptitle(title, fontsize=10)
    return figure


def figure_to_rgb(figure: Figure) -> np.ndarray:
    """Render a figure to uint8 (H, W, 3), as TensorBoard's ``add_image(..., dataformats="HWC")`` takes it."""
    canvas = FigureCanvasAgg(figure)
    with plain_text(figure):
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _window(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Turn values into grey levels (*S, 3) between 0 and 1."""
    grey = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    return np.repeat(grey[..., None], 3, axis=-1)


def _upright(panel: np.ndarray, steps: Sequence[float], across: int | None) -> tuple[np.ndarray, float]:
    """Cut a plane, first remaining axis to the right and second upwards, with its pixel height over width."""
    plane = panel if across is None else panel.take(panel.shape[across] // 2, axis=across)
    right, up = [step for axis, step in enumerate(steps) if axis != across]
    return plane.transpose(1, 0, 2)[::-1], up / right
