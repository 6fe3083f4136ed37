"""Correction of the slow shading that receive coils lay over an image.

Shapes: ``X, Y, Z`` spatial axes.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import SimpleITK as sitk  # noqa: N813 - its customary name
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, convert_to_dst_type

from .itk_image import affine_of, coarse, from_itk, one_thread, to_itk
from .registration import head_mask

__all__ = ["CorrectBiasField", "CorrectBiasFieldd"]


class CorrectBiasField(Transform):
    """Divide a volume by its bias field (N4, Tustison et al. 2010, in SimpleITK), estimated at 4 mm in the head's mask.

    The mask is Otsu's: the bright tissue of a head, or of the brain in a skull-stripped scan. The lowest value of the
    volume stays as it is, so that a constant background stays constant.

    Args:
        iterations: at most this many per resolution of the field; each resolution halves the distance of its control
            points, which is the field of view at first.

    Raises:
        ValueError: If there is no resolution, or one without iterations.
    """

    backend = [TransformBackends.NUMPY]  # noqa: RUF012 - MONAI's own declaration

    def __init__(self, iterations: Sequence[int] = (30, 30, 20)) -> None:
        self.iterations = tuple(int(count) for count in iterations)
        if not self.iterations or min(self.iterations) < 1:
            raise ValueError(f"iterations must be positive numbers, got {tuple(iterations)}")

    def __call__(self, img: MetaTensor) -> MetaTensor:
        """Correct one volume.

        Args:
            img: ``(1, X, Y, Z)`` with its affine in mm.

        Returns:
            The same shape and affine, float32.
        """
        low = float(img.min())
        scan = to_itk(img[0] - low, affine_of(img))
        with one_thread():
            n4 = sitk.N4BiasFieldCorrectionImageFilter()
            n4.SetMaximumNumberOfIterations(self.iterations)
            # Only voxels above zero have a logarithm, and blurring may undershoot.
            n4.Execute(sitk.Clamp(coarse(scan, 4.0), lowerBound=0.0), head_mask(scan))
            corrected = from_itk(sitk.Cast(scan / sitk.Exp(n4.GetLogBiasFieldAsImage(scan)), sitk.sitkFloat32)) + low
        return convert_to_dst_type(corrected[None], dst=img)[0]


class CorrectBiasFieldd(MapTransform):
    """Dictionary twin of :class:`CorrectBiasField`.

    Args:
        keys: keys of the volumes.
        iterations: see :class:`CorrectBiasField`.
        allow_missing_keys: skip keys that an item lacks.
    """

    backend = CorrectBiasField.backend

    def __init__(
        self,
        keys: KeysCollection = "image",
        iterations: Sequence[int] = (30, 30, 20),
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = CorrectBiasField(iterations)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with corrected volumes."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.transform(item[key])
        return item
