"""Picture of one registered scan: three slices with the template's outlines over them.

Axes: ``X, Y, Z`` in RAS order, as on the template's grid.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

__all__ = ["quality_picture"]

#: Slices, midsagittal, through the hippocampi and through the ventricles: mm of MNI space along x, y and z.
SLICES_MM = (-2.0, -18.0, 8.0)
BRAIN_COLOUR = "#ff5a4d"
TISSUE_COLOUR = "#4dd2ff"
#: Border between cerebrospinal fluid and tissue in the template, whose white matter is near 0.86.
TISSUE_LEVEL = 0.5
#: The border is drawn this far below the brain's surface and deeper, in mm.
DEPTH_MM = 8.0
PIXELS_PER_MM = 1.35
#: A palette of this many colours makes the file a third as large, with no difference to the eye.
COLOURS = 64


def quality_picture(
    scan: NDArray[np.float32],
    intensity: NDArray[np.float32],
    brain: NDArray[np.uint8],
    affine: NDArray[np.float64],
    slices_mm: Sequence[float] = SLICES_MM,
) -> bytes:
    """Draw a scan in three planes, in grey from its lowest value to the 99.5th percentile of the brain.

    Args:
        scan: Array ``(X, Y, Z)``, registered.
        intensity: Array ``(X, Y, Z)`` of the template; its border between fluid and tissue is drawn.
        brain: Array ``(X, Y, Z)``, the template's brain; its edge is drawn.
        affine: Matrix from voxel indices to mm of MNI space, without rotation.
        slices_mm: Positions along each axis at which the planes are cut, in mm of MNI space.

    Returns:
        Bytes of a PNG.
    """
    spacing = float(affine[0, 0])
    extent = np.array(scan.shape) * spacing * PIXELS_PER_MM
    # Sagittal, coronal and axial planes, each with its first remaining axis to the right and the second upwards.
    sizes = [(extent[[a for a in range(3) if a != across]]) for across in range(3)]
    width, height = sum(size[0] for size in sizes), max(size[1] for size in sizes)
    figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor="black")
    canvas = FigureCanvasAgg(figure)
    low, high = float(scan.min()), float(np.percentile(scan[brain > 0], 99.5))
    # Near the surface the two outlines would run into each other.
    deep = ndimage.distance_transform_edt(brain) * spacing > DEPTH_MM
    outlines = ((np.where(deep, intensity, 1.0), TISSUE_LEVEL, TISSUE_COLOUR), (brain, 0.5, BRAIN_COLOUR))
    left = 0.0
    for across, (size, millimetre) in enumerate(zip(sizes, slices_mm, strict=True)):
        index = int(np.clip(round((millimetre - affine[across, 3]) / spacing), 0, scan.shape[across] - 1))
        bottom = (height - size[1]) / 2
        axis = figure.add_axes((left / width, bottom / height, size[0] / width, size[1] / height))
        axis.axis("off")
        axis.imshow(scan.take(index, across).T, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), origin="lower")
        for volume, level, colour in outlines:
            plane = volume.take(index, across).T
            if plane.min() < level < plane.max():
                axis.contour(plane, levels=[level], colors=[colour], linewidths=0.9)
        left += size[0]
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    output = io.BytesIO()
    picture.quantize(COLOURS).save(output, format="PNG", optimize=True)
    return output.getvalue()
