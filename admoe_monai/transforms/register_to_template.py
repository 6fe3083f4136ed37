"""Scans onto the grid of the MNI152 template, by an affine that stays on record.

Shapes: ``X, Y, Z`` axes of a scan, ``*T`` axes of the template's grid. Everything is in RAS and mm.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813 - its customary name
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends
from numpy.typing import NDArray

from admoe_monai.errors import UserError

from .itk_image import affine_of, blurred, coarse, from_itk, on_grid, one_thread, to_itk
from .registration import LEVELS_MM, Alignment, align, information_at
from .registration_quality import Quality, measure_quality
from .scan_state import scan_state
from .template import TEMPLATE_NAME, load_template, template_grid

__all__ = ["RegisterToTemplate", "RegisterToTemplated"]

#: The header's orientation was wrong and another one fits. Which side is left can't be told from a brain.
WRONG_ORIENTATION = "wrong_orientation"
#: In degrees; beyond half a right angle, another order of the axes would be nearer.
_LARGEST_TURN = 45.0
#: Voxels at which a scan is compared with the template, by the last level of the search and by the measurements.
_COMPARED_MM = 2.0


class RegisterToTemplate(Transform):
    """Find the affine between a T1w volume and the MNI152 template, and read the volume on the template's cropped grid.

    Where the orientation that the header states leads to a place that does not look like the template, the 23 others are
    tried. A mirrored head can't be noticed: the template is symmetric.

    Args:
        spacing_mm: edge of the voxels to write, see :func:`~admoe_monai.transforms.template.template_grid`.
        aligned: take the volume's own millimetres for the template's, as of scans that other software has registered to
            MNI152; only the resampling and the measurements are left.
        levels_mm: spacings at which starts, similarity and affine are found; a coarser last one is faster and less exact.

    Raises:
        ValueError: If ``spacing_mm`` does not divide the grid, or there are not three levels from coarse to fine.
    """

    backend = [TransformBackends.NUMPY]  # noqa: RUF012 - MONAI's own declaration

    def __init__(self, spacing_mm: float = 1.0, aligned: bool = False, levels_mm: Sequence[float] = LEVELS_MM) -> None:
        self.spacing_mm = float(spacing_mm)
        self.aligned = aligned
        template_grid(self.spacing_mm)
        if len(levels_mm) != 3 or sorted(levels_mm, reverse=True) != list(levels_mm) or min(levels_mm) <= 0:
            raise ValueError(f"levels_mm must be three spacings from coarse to fine, got {tuple(levels_mm)}")
        first, second, third = (float(spacing) for spacing in levels_mm)
        self.levels_mm = (first, second, third)

    def __call__(self, img: MetaTensor) -> MetaTensor:
        """Bring one volume onto the template.

        Args:
            img: ``(1, X, Y, Z)`` with its affine, its bias field corrected.

        Returns:
            ``(1, *T)`` float32; beyond the volume's edge stands its lowest value.

        Raises:
            UserError: If no start of the registration finds the template in the volume.
        """
        return self.resample(img, np.array(self.register(img)["matrix"]))

    def register(self, img: MetaTensor) -> dict[str, Any]:
        """Find and measure the affine.

        Args:
            img: see :meth:`__call__`.

        Returns:
            Numbers and words that JSON can hold: ``template``, ``matrix`` (4 x 4, mm of the template to mm of the volume),
            ``voxel_mm`` (edges of the volume's voxels), ``scale`` and ``stretch`` (of the volume's head over the template),
            ``similarity``, ``state`` (see
            :func:`~admoe_monai.transforms.scan_state.scan_state`) and ``flags``, empty where all numbers are in bounds.

        Raises:
            UserError: see :meth:`__call__`.
        """
        scan = to_itk(img[0], affine_of(img))
        with one_thread():
            alignment, quality, flags = self._align(self._reduced(scan))
            state = scan_state(scan, alignment.matrix) if quality.fits else "unknown"
        numbers = asdict(quality)
        return {
            "template": TEMPLATE_NAME,
            "matrix": alignment.matrix.tolist(),
            "voxel_mm": list(scan.GetSpacing()),
            "scale": numbers.pop("scale"),
            "stretch": list(numbers.pop("stretch")),
            "similarity": {**numbers, "mutual_information": alignment.information},
            "state": state,
            "flags": flags,
        }

    def _reduced(self, scan: sitk.Image) -> sitk.Image:
        """Nothing is compared at finer voxels, and smoothing those of 0.7 mm again and again takes longer than the search."""
        spacing = min(_COMPARED_MM, self.levels_mm[-1])
        return coarse(scan, spacing) if max(scan.GetSpacing()) < spacing else scan

    def _align(self, scan: sitk.Image) -> tuple[Alignment, Quality, list[str]]:
        if self.aligned:
            found: Alignment | None = Alignment(np.eye(4), information_at(scan, np.eye(4), self.levels_mm[-1]))
        else:
            found = align(scan, levels_mm=self.levels_mm)
        quality = None if found is None else measure_quality(scan, found.matrix)
        if not self.aligned and (quality is None or not (quality.fits or quality.inverted)):
            other = align(scan, True, self.levels_mm)
            other_quality = None if other is None else measure_quality(scan, other.matrix)
            if other is not None and other_quality is not None and (other_quality.fits or found is None):
                return other, other_quality, [*other_quality.flags, WRONG_ORIENTATION]
        if found is None or quality is None:
            raise UserError("the scan can't be brought onto the template: nothing in it resembles a brain")
        # The search may turn a scan by a right angle by itself; no head lies in a scanner like that.
        turned = not self.aligned and quality.fits and _angle(found.matrix) > _LARGEST_TURN
        return found, quality, [*quality.flags, *([WRONG_ORIENTATION] if turned else [])]

    def resample(self, img: MetaTensor, matrix: NDArray[np.float64], nearest: bool = False) -> MetaTensor:
        """Read a volume, or a mask of it, on the template's grid.

        Args:
            img: ``(1, X, Y, Z)`` with its affine.
            matrix: as :meth:`register` returns it.
            nearest: for masks: nearest voxels, uint8, 0 outside.
        """
        shape, affine = template_grid(self.spacing_mm)
        scan = to_itk(img[0], affine_of(img))
        grid = to_itk(np.zeros(shape, np.uint8), affine)
        with one_thread():
            if not nearest:
                scan = blurred(scan, self.spacing_mm)
            values = from_itk(on_grid(scan, matrix, grid, nearest, 0.0 if nearest else float(img.min())))
        array = (values > 0).astype(np.uint8) if nearest else values
        return MetaTensor(torch.from_numpy(array)[None], affine=torch.from_numpy(affine))


def _angle(matrix: NDArray[np.float64]) -> float:
    """By how much an affine turns, in degrees: that of the rotation nearest to it."""
    left, _, right = np.linalg.svd(matrix[:3, :3])
    return float(np.degrees(np.arccos(np.clip((np.trace(left @ right) - 1) / 2, -1, 1))))


class RegisterToTemplated(MapTransform):
    """Dictionary twin of :class:`RegisterToTemplate`: adds the record of the registration and a brain mask on its grid.

    Args:
        keys: key of the volume.
        spacing_mm: see :class:`RegisterToTemplate`.
        aligned: see :class:`RegisterToTemplate`.
        levels_mm: see :class:`RegisterToTemplate`.
        registration_key: key of the record to write.
        mask_key: key of a mask made elsewhere, which goes where the volume goes; where the item has none, the template's
            brain is written under it.
        allow_missing_keys: do nothing where the volume is missing from an item.
    """

    backend = RegisterToTemplate.backend

    def __init__(
        self,
        keys: KeysCollection = "image",
        spacing_mm: float = 1.0,
        aligned: bool = False,
        levels_mm: Sequence[float] = LEVELS_MM,
        registration_key: str = "registration",
        mask_key: str = "brain_mask",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise ValueError(f"one registration belongs to one volume, got keys {self.keys}")
        self.transform = RegisterToTemplate(spacing_mm, aligned, levels_mm)
        self.registration_key = registration_key
        self.mask_key = mask_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with the volume on the template's grid."""
        item = dict(data)
        for key in self.key_iterator(item):
            record = self.transform.register(item[key])
            matrix = np.array(record["matrix"])
            item[key] = self.transform.resample(item[key], matrix)
            item[self.registration_key] = record
            if item.get(self.mask_key) is None:
                template = load_template(self.transform.spacing_mm)
                brain = torch.from_numpy(template.brain.copy())[None]
                item[self.mask_key] = MetaTensor(brain, affine=torch.from_numpy(template.affine.copy()))
            else:
                item[self.mask_key] = self.transform.resample(item[self.mask_key], matrix, nearest=True)
        return item
