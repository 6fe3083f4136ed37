"""One simulated head: the template under a smooth deformation of its own, with structures at wanted volumes.

From the scanner to the template a point passes: the pose of the scan (rigid), the subject's head size and shape (affine
and a smooth displacement), then the flows that set the hippocampi and the ventricles. Values of the template are read
where the point ends (pull-back), and a volume is the integral of a label read the same way. The space that a shrunken
hippocampus leaves is filled with fluid (ex vacuo).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from .anatomy import STRUCTURES, FloatArray, load_anatomy, sample
from .grid import CENTRE, FIELD_OF_VIEW, grid_points
from .growth import load_flow
from .smooth_field import smooth_field

__all__ = ["Head"]

# Displacement between people: (distance of lattice points, standard deviation) in mm, coarse to fine.
_SHAPE_VARIATION = ((42.0, 1.5), (18.0, 0.5))
# Rounds of correction, and the relative error of a volume that ends them.
_CORRECTIONS = 6
_VOLUME_TOLERANCE = 2e-4
_LABEL_GRID_MM = 2.0
_TISSUE_GRID_MM = 3.0


class Head:
    """The lasting anatomy of one subject.

    Args:
        generator: Random numbers of this head.
        head_size_mm3: Wanted volume of the brain mask, ventricles included.
    """

    def __init__(self, generator: np.random.Generator, head_size_mm3: float) -> None:
        anatomy = load_anatomy()
        stretch = np.exp(generator.normal(0, 0.02, 3))
        stretch /= np.prod(stretch) ** (1 / 3)
        linear = (head_size_mm3 / float(anatomy.brain.sum(dtype=np.float64))) ** (1 / 3) * stretch
        self._scale = linear.astype(np.float32)
        self._spacing = 4.0
        self._origin = CENTRE - np.array(FIELD_OF_VIEW) / 2 - 12
        self._displacement = self._random_displacement(generator)
        tissue = self.to_template(grid_points(_TISSUE_GRID_MM))
        inside = sample(anatomy.brain, tissue, anatomy.origin)
        self.head_size_mm3 = float(inside.sum(dtype=np.float64)) * _TISSUE_GRID_MM**3
        self._tissue_points = tissue[:, inside > 0]
        labelled = self.to_template(grid_points(_LABEL_GRID_MM))
        self._label_points = {name: self._near(name, labelled) for name in STRUCTURES}

    def _random_displacement(self, generator: np.random.Generator) -> FloatArray:
        x, y, z = (int(np.ceil((extent + 24) / self._spacing)) + 1 for extent in FIELD_OF_VIEW)
        fields = [
            np.float32(deviation)
            * np.stack([smooth_field(generator, (x, y, z), self._spacing, distance) for _ in range(3)])
            for distance, deviation in _SHAPE_VARIATION
        ]
        return np.asarray(sum(fields))

    def _near(self, structure: str, points: FloatArray) -> FloatArray:
        flow = load_flow(structure)
        end = flow.origin + 2.0 * (np.array(flow.displacements.shape[2:]) - 1)
        inside = np.all((points > flow.origin[:, None]) & (points < end[:, None]), axis=0)
        near = points[:, inside]
        largest = flow.move(near, float(flow.amounts[-1]))
        anatomy = load_anatomy()
        # Others' flows shift a border by far less than the widest growth of its own.
        return near[:, sample(anatomy.labels[structure], largest, anatomy.origin) > 0]

    def to_template(self, points: FloatArray) -> FloatArray:
        """Map points (3, N) of the unposed head to the template, before structures grow or shrink."""
        centre = CENTRE[:, None].astype(np.float32)
        moved = (points - centre) / self._scale[:, None] + centre
        for axis in range(3):
            moved[axis] += sample(self._displacement[axis], points, self._origin, self._spacing)
        return np.asarray(moved)

    def _may_be_brain(self, points: FloatArray) -> NDArray[np.bool_]:
        """A cheap test that spares the smooth displacement for points well outside the head."""
        centre = CENTRE[:, None].astype(np.float32)
        surroundings, origin, spacing = _brain_surroundings()
        index = np.round(((points - centre) / self._scale[:, None] + centre - origin[:, None]) / spacing).astype(
            np.intp
        )
        inside = np.all((index >= 0) & (index < np.array(surroundings.shape)[:, None]), axis=0)
        x, y, z = np.where(inside, index, 0)
        return np.asarray(surroundings[x, y, z] & inside)

    def amounts_for(self, wanted: Mapping[str, float]) -> dict[str, float]:
        """Find the flows' amounts that give the structures these volumes in this head.

        Neighbouring flows touch each other and the head stretches what it carries, so the amounts are corrected by
        measured volumes.

        Args:
            wanted: Volume in mm³ by structure.
        """
        aim = {name: float(np.log(volume)) for name, volume in wanted.items()}
        corrected = dict(aim)
        amounts = {name: load_flow(name).amount_for(value) for name, value in corrected.items()}
        for _ in range(_CORRECTIONS):
            measured = self.volumes(amounts)
            missed = {name: value - float(np.log(measured[name])) for name, value in aim.items()}
            if max(map(abs, missed.values())) < _VOLUME_TOLERANCE:
                break
            for name in aim:
                corrected[name] += missed[name]
                amounts[name] = load_flow(name).amount_for(corrected[name])
        return amounts

    def volumes(self, amounts: Mapping[str, float]) -> dict[str, float]:
        """True volumes in mm³ of the structures."""
        anatomy = load_anatomy()
        return {
            name: float(
                sample(anatomy.labels[name], _grow(points, amounts), anatomy.origin).sum(dtype=np.float64)
                * _LABEL_GRID_MM**3
            )
            for name, points in self._label_points.items()
        }

    def tissue_volumes(self, amounts: Mapping[str, float]) -> dict[str, float]:
        """True volumes in mm³ of grey and white matter (integrals of the template's probabilities)."""
        anatomy = load_anatomy()
        grown = _grow(self._tissue_points, amounts)
        maps = {"grey_matter": anatomy.grey, "white_matter": anatomy.white}
        return {
            name: float(sample(volume, grown, anatomy.origin).sum(dtype=np.float64) * _TISSUE_GRID_MM**3)
            for name, volume in maps.items()
        }

    def render(
        self,
        template: FloatArray,
        brain: FloatArray,
        amounts: Mapping[str, float],
        points: FloatArray,
        pose: tuple[Rotation, NDArray[np.float64]],
    ) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Render noiseless intensities and brain mask (N,) at points of the scanner.

        Args:
            template: Intensities of the template at the scan's resolution.
            brain: Brain mask at the scan's resolution.
            amounts: Amount of each structure's flow.
            points: Coordinates (3, N) in mm.
            pose: Rotation about the centre and shift in mm.
        """
        anatomy = load_anatomy()
        rotation, shift = pose
        centre = CENTRE[:, None]
        posed = (rotation.as_matrix() @ (points - centre) + centre + shift[:, None]).astype(np.float32)
        candidates = np.flatnonzero(self._may_be_brain(posed))
        own = self.to_template(posed[:, candidates])
        hit = sample(brain, own, anatomy.origin) > 0.5
        inside = own[:, hit]
        mask = np.zeros(points.shape[1], dtype=bool)
        mask[candidates[hit]] = True
        grown = _grow(inside, amounts)
        values = sample(template, grown, anatomy.origin)
        for name in STRUCTURES[1:]:
            label = anatomy.labels[name]
            lost = sample(label, inside, anatomy.origin) - sample(label, grown, anatomy.origin)
            fluid = np.clip(lost, 0, 1)
            values += fluid * (np.float32(anatomy.csf) - values)
        image = np.zeros(points.shape[1], dtype=np.float32)
        image[mask] = np.clip(values, 0, None)
        return image, mask


@lru_cache(maxsize=1)
def _brain_surroundings() -> tuple[NDArray[np.bool_], NDArray[np.float64], float]:
    """Brain of the template and 16 mm around it on a 4 mm grid, with its origin and spacing."""
    anatomy = load_anatomy()
    coarse = np.pad(anatomy.brain[::4, ::4, ::4] > 0, 5)
    return ndimage.binary_dilation(coarse, iterations=4), anatomy.origin - 20.0, 4.0


def _grow(points: FloatArray, amounts: Mapping[str, float]) -> FloatArray:
    for name in reversed(STRUCTURES):
        points = load_flow(name).move(points, amounts[name])
    return points
