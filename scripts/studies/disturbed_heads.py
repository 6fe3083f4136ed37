"""What `template_quality.py` shows to the registration: disturbances of a head, and volumes that are none.

Axes: X Y Z of a volume in RAS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from admoe_monai.transforms.itk_image import coarse, from_itk, to_itk

Volume = NDArray[np.float32]
Affine = NDArray[np.float64]
Generator = np.random.Generator

SPACING_MM = 2.0
SHAPE = (100, 120, 110)
#: The brain's own matrix where a disturbance does not move it.
SAME = np.eye(4)


@dataclass
class Head:
    """A scan in RAS, and where its brain is.

    Attributes:
        values: ``(X, Y, Z)``.
        affine: voxel indices to mm.
        brain: ``(X, Y, Z)`` bool, the template's brain brought to the scan.
        whole: whether anything but the brain is there.
    """

    values: Volume
    affine: Affine
    brain: NDArray[np.bool_]
    whole: bool

    @property
    def white(self) -> float:
        """About the intensity of white matter."""
        return float(np.percentile(self.values[self.brain], 90))

    def about_the_middle(self, matrix: Affine) -> Affine:
        """A linear map in mm that leaves the middle of the volume where it is."""
        middle = self.affine[:3, :3] @ ((np.array(self.values.shape) - 1) / 2) + self.affine[:3, 3]
        moved = matrix.copy()
        moved[:3, 3] = middle - matrix[:3, :3] @ middle
        return moved


Made = tuple[Volume, Affine, Affine]


def unchanged(head: Head, generator: Generator) -> Made:
    """As it is."""
    return head.values, head.affine, SAME


def mirrored(head: Head, generator: Generator) -> Made:
    """Left and right exchanged, the header as before."""
    return head.values[::-1], head.affine, SAME


def turned(head: Head, generator: Generator) -> Made:
    """A header that gives the axes one of the 23 wrong orientations."""
    turns = [turn for turn in np.rint(Rotation.create_group("O").as_matrix()) if not np.array_equal(turn, np.eye(3))]
    lie = np.eye(4)
    lie[:3, :3] = turns[generator.integers(len(turns))]
    lie = head.about_the_middle(lie)
    return head.values, lie @ head.affine, lie


def voxels_called_larger(head: Head, generator: Generator) -> Made:
    """As 0.7 mm voxels called 1 mm."""
    lie = head.about_the_middle(np.diag([1.4, 1.4, 1.4, 1.0]))
    return head.values, lie @ head.affine, lie


def voxels_called_smaller(head: Head, generator: Generator) -> Made:
    """As 1.5 mm voxels called 1 mm."""
    lie = head.about_the_middle(np.diag([1 / 1.5, 1 / 1.5, 1 / 1.5, 1.0]))
    return head.values, lie @ head.affine, lie


def cropped(head: Head, generator: Generator) -> Made:
    """A quarter of the brain's extent cut off on a side drawn at random."""
    axis, end = generator.integers(3), generator.integers(2)
    inside = np.flatnonzero(head.brain.any(axis=tuple(a for a in range(3) if a != axis)))
    cut = round(np.ptp(inside) / 4)
    kept = slice(inside[0] + cut, None) if end else slice(0, inside[-1] - cut)
    shift = np.eye(4)
    shift[axis, 3] = kept.start
    return head.values[tuple(kept if a == axis else slice(None) for a in range(3))], head.affine @ shift, SAME


def four_millimetres(head: Head, generator: Generator) -> Made:
    """Voxels of 4 mm."""
    image = coarse(to_itk(head.values, head.affine), 4.0)
    affine = head.affine.copy()
    affine[:3, :3] *= 4.0 / np.linalg.norm(head.affine[:3, :3], axis=0)
    return from_itk(image), affine, SAME


def shaded(head: Head, generator: Generator) -> Made:
    """Four times as bright at one end of the brain as at the other, in a direction drawn at random."""
    direction = generator.normal(size=3)
    points = np.einsum("a,axyz->xyz", direction, np.indices(head.values.shape, dtype=np.float32))
    low, high = points[head.brain].min(), points[head.brain].max()
    return head.values * np.exp(np.log(4) * ((points - low) / (high - low) - 0.5)), head.affine, SAME


def noisy(head: Head, generator: Generator) -> Made:
    """Rician noise of 15 % of the white matter's intensity, everywhere."""
    real, imaginary = generator.normal(0, 0.15 * head.white, (2, *head.values.shape))
    return np.hypot(head.values - head.values.min() + real, imaginary), head.affine, SAME


def t2_like(head: Head, generator: Generator) -> Made:
    """Dark and bright exchanged inside the brain."""
    inside = head.brain & (head.values > 0)
    return np.where(inside, (1.3 * head.white - head.values).clip(0), head.values), head.affine, SAME


def flair_like(head: Head, generator: Generator) -> Made:
    """Grey matter brighter than white, fluid dark."""
    remapped = head.white * np.interp(head.values / head.white, [0, 0.35, 0.7, 1.0, 1.5], [0, 0.15, 1.0, 0.7, 0.75])
    return np.where(head.brain, remapped, head.values), head.affine, SAME


def brain_mask(head: Head, generator: Generator) -> Made:
    """The mask of a brain in the place of its scan."""
    return head.brain.astype(np.float32), head.affine, SAME


def scrambled(head: Head, generator: Generator) -> Made:
    """The brain's outline and its spectrum, but with random phases inside."""
    inside = np.where(head.brain, head.values - head.values[head.brain].mean(), 0)
    spectrum = np.abs(np.fft.rfftn(inside)) * np.exp(1j * np.angle(np.fft.rfftn(generator.normal(size=inside.shape))))
    texture = np.fft.irfftn(spectrum, inside.shape, axes=(0, 1, 2))
    texture *= head.values[head.brain].std() / texture[head.brain].std()
    return np.where(head.brain, (texture + head.values[head.brain].mean()).clip(0), 0), head.affine, SAME


def without_brain(head: Head, generator: Generator) -> Made | None:
    """A whole head with nothing where the brain was."""
    return (np.where(head.brain, head.values.min(), head.values), head.affine, SAME) if head.whole else None


def neck(head: Head, generator: Generator) -> Made | None:
    """What lies below the brain."""
    lowest = int(np.flatnonzero(head.brain.any(axis=(0, 1)))[0])
    return (head.values[:, :, :lowest], head.affine, SAME) if head.whole and lowest >= 10 else None


T1W: dict[str, Callable[[Head, Generator], Made]] = {
    "unchanged": unchanged,
    "mirrored": mirrored,
    "turned": turned,
    "voxels called 1.4 times larger": voxels_called_larger,
    "voxels called 1.5 times smaller": voxels_called_smaller,
    "cropped": cropped,
    "voxels of 4 mm": four_millimetres,
    "shaded": shaded,
    "noisy": noisy,
}
OTHER: dict[str, Callable[[Head, Generator], Made | None]] = {
    "T2-like": t2_like,
    "FLAIR-like": flair_like,
    "mask of a brain": brain_mask,
    "scrambled brain": scrambled,
    "head without brain": without_brain,
    "neck": neck,
}


def ellipsoid(generator: Generator, radii: NDArray[np.float64]) -> Volume:
    """Distance to the middle of :data:`SHAPE`, 1 on the surface of an ellipsoid with these half axes in voxels."""
    points = np.indices(SHAPE, dtype=np.float32) - np.array(SHAPE, np.float32)[:, None, None, None] / 2
    return np.sqrt(((points / radii.astype(np.float32)[:, None, None, None]) ** 2).sum(axis=0))


def phantom(generator: Generator) -> Volume:
    """An evenly filled ellipsoid of a head's size, with noise."""
    inside = ellipsoid(generator, generator.uniform(32, 48, 3)) < 1
    return 1000 * inside + generator.normal(0, 20, SHAPE)


def ct_like(generator: Generator) -> Volume:
    """A thick bright shell around a dark, nearly even inside with two darker ventricles."""
    radii = generator.uniform(36, 46, 3)
    distance = ellipsoid(generator, radii)
    ventricles = ellipsoid(generator, radii / 4) < 1
    values = np.select([ventricles, distance < 0.88, distance < 1], [1010, 1035, 2000], 0.0)
    return values + generator.normal(0, 10, SHAPE)


def box(generator: Generator) -> Volume:
    """A bright box with noise."""
    values = np.zeros(SHAPE)
    size = generator.integers(50, 90, 3)
    values[tuple(slice(10, 10 + n) for n in size)] = 1000
    return values + generator.normal(0, 20, SHAPE)


def noise(generator: Generator) -> Volume:
    """Nothing but noise."""
    return generator.rayleigh(100, SHAPE)


def blob(generator: Generator) -> Volume:
    """Smooth noise in an ellipsoid of a head's size."""
    texture = ndimage.gaussian_filter(generator.normal(size=SHAPE), generator.uniform(3, 8))
    inside = ellipsoid(generator, generator.uniform(32, 48, 3)) < 1
    return np.where(inside, 500 + 150 * texture / texture.std(), 0).clip(0)


def nearly_empty(generator: Generator) -> Volume:
    """A few bright specks."""
    values = np.zeros(SHAPE)
    values[tuple(generator.integers(0, SHAPE, (20, 3)).T)] = 1000
    return ndimage.gaussian_filter(values, 1.0)


MADE_UP: dict[str, Callable[[Generator], Volume]] = {
    "phantom": phantom,
    "CT-like": ct_like,
    "box": box,
    "noise": noise,
    "smooth noise": blob,
    "nearly empty": nearly_empty,
}
