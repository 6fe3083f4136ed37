"""Whether a new scan is one that a network for T1w brain scans may see, and how far it lies from the scans of training.

Shapes: ``X, Y, Z`` axes of a volume, ``*S`` spatial axes of what the network takes.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils import TransformBackends

from admoe_monai.errors import UserError

from .bias_field import CorrectBiasField
from .register_to_template import WRONG_ORIENTATION, RegisterToTemplate
from .registration_quality import LOWEST_CORRELATION

__all__ = ["SCREENING_LEVELS_MM", "ScoreScand", "ScreenScand", "distances", "scan_measures"]

#: Coarser than for resampling, since the scan is only looked at; docs/preprocessing.md tells what that costs.
SCREENING_LEVELS_MM = (8.0, 6.0, 4.0)
#: Flags of a registration for which a scan is refused.
REFUSED = ("inverted_contrast", "low_correlation", WRONG_ORIENTATION)
#: Quartiles are widened by this many of their distances before a value counts as unlike them (Tukey 1977, outer fences).
FAR_OUT = 3.0
INTENSITY_PERCENTILES = (5, 50, 95)


class ScreenScand(MapTransform):
    """Refuse what can't be a T1w brain scan as its header says, by the place of the MNI152 template in it.

    The volume stays as it is. Where an item has a record of a registration, that is judged. A scan that does not look like
    the template gets a second chance with its bias field corrected.

    Args:
        keys: key of the volume ``(1, X, Y, Z)``, whose header alone has been heeded so far.
        levels_mm: see :class:`~admoe_monai.transforms.RegisterToTemplate`.
        registration_key: key of the record, which is written if it is missing.
        allow_missing_keys: do nothing where the volume is missing from an item.
    """

    backend = [TransformBackends.NUMPY]  # noqa: RUF012 - MONAI's own declaration

    def __init__(
        self,
        keys: KeysCollection = "image",
        levels_mm: Sequence[float] = SCREENING_LEVELS_MM,
        registration_key: str = "registration",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = RegisterToTemplate(levels_mm=levels_mm)
        self.registration_key = registration_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with the record of the registration.

        Raises:
            UserError: If the scan is none of a T1w brain, or is oriented otherwise than its header says.
        """
        item = dict(data)
        for key in self.key_iterator(item):
            if self.registration_key not in item:
                item[self.registration_key] = self._register(item[key])
            _refuse(item[self.registration_key])
        return item

    def _register(self, img: MetaTensor) -> dict[str, Any]:
        record = self.transform.register(img)
        if "low_correlation" in record["flags"]:
            # Strong shading alone can do this; corrected in every scan, it would cost more than it finds.
            return self.transform.register(CorrectBiasField()(img))
        return record


def _refuse(registration: Mapping[str, Any]) -> None:
    correlation, flags = registration["similarity"]["correlation"], registration["flags"]
    if "inverted_contrast" in flags:
        raise UserError(
            f"no T1w scan: dark and bright are exchanged, as in T2-weighted images (correlation {correlation:.2f} with the "
            "MNI152 template)"
        )
    if "low_correlation" in flags:
        raise UserError(
            f"no T1w scan of a brain: where the MNI152 template fits it best, they correlate by {correlation:.2f}, "
            f"below {LOWEST_CORRELATION:g}"
        )
    if WRONG_ORIENTATION in flags:
        raise UserError(
            "the header states a wrong orientation: a brain appears when the axes are turned; repair the header, for the "
            "voxels don't tell left from right"
        )


class ScoreScand(MapTransform):
    """Hold a scan against the scans of training: numbers, distances, and a flag for each number that is far out.

    Args:
        keys: key of the image ``(C, *S)`` as the network takes it.
        reference: what :func:`distances` takes; None where nothing is known of the training scans.
        foreground_key: key of the mask ``(1, *S)``.
        registration_key: key of the record of the registration, if the item has one.
        quality_key: key to write under: ``measures``, ``distance`` and ``flags``, which JSON can hold.
        allow_missing_keys: do nothing where the image is missing from an item.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's own declaration

    def __init__(
        self,
        keys: KeysCollection = "image",
        reference: Mapping[str, Any] | None = None,
        foreground_key: str = "foreground",
        registration_key: str = "registration",
        quality_key: str = "quality",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.reference = reference
        self.foreground_key = foreground_key
        self.registration_key = registration_key
        self.quality_key = quality_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with the score."""
        item = dict(data)
        for key in self.key_iterator(item):
            registration = item.get(self.registration_key)
            measures = scan_measures(item[key], item[self.foreground_key], registration)
            flags = list(registration["flags"]) if registration else []
            score: dict[str, Any] = {"measures": measures, "distance": None}
            if registration:
                score["state"] = registration["state"]
            if self.reference is not None:
                far = distances(measures, self.reference)
                score["distance"] = max(far.values(), default=0.0)
                flags += [f"unlike_training:{name}" for name, value in far.items() if value > FAR_OUT]
                states = self.reference.get("states", [])
                if registration and states and registration["state"] not in states:
                    flags.append("unlike_training:state")
            item[self.quality_key] = {**score, "flags": flags}
        return item


def scan_measures(
    image: MetaTensor | torch.Tensor, foreground: torch.Tensor, registration: Mapping[str, Any] | None = None
) -> dict[str, float]:
    """Numbers in which a scan can differ from those of training.

    Args:
        image: ``(C, *S)``, normalised.
        foreground: ``(1, *S)``, nonzero inside.
        registration: record of :meth:`~admoe_monai.transforms.RegisterToTemplate.register`.

    Returns:
        Percentiles of the foreground's intensity and its share of the field of view; with a registration also the largest
        edge of a voxel (mm) and how the scan lies on the template.
    """
    inside = torch.as_tensor(foreground[0]) != 0
    values = np.asarray(torch.as_tensor(image[0])[inside], dtype=np.float64)
    if not len(values):
        values = np.zeros(1)
    measures = {f"intensity_p{p:02d}": float(np.percentile(values, p)) for p in INTENSITY_PERCENTILES}
    measures["foreground"] = float(inside.double().mean())
    if registration is not None:
        largest, _, smallest = registration["stretch"]
        measures |= {
            "voxel_mm": max(registration["voxel_mm"]),
            **{name: registration["similarity"][name] for name in ("correlation", "coverage", "overlap")},
            "scale": registration["scale"],
            "stretch": largest / smallest,
        }
    return measures


#: Quartiles that lie closer than this are taken to lie so far apart: training scans of one protocol hardly differ, and
#: a hundredth of a number is no reason for a flag.
LEAST_SPREAD = {
    **{f"intensity_p{p:02d}": 0.1 for p in INTENSITY_PERCENTILES},
    "foreground": 0.05, "voxel_mm": 0.25, "correlation": 0.05, "coverage": 0.01, "overlap": 0.03, "scale": 0.05,
    "stretch": 0.05,
}  # fmt: skip


def distances(measures: Mapping[str, float], reference: Mapping[str, Any]) -> dict[str, float]:
    """How far each number lies outside the quartiles of the training scans, in their distance from each other.

    Args:
        measures: of one scan.
        reference: ``measures`` with ``q1`` and ``q3`` of each number over the training scans.

    Returns:
        0 within the quartiles; numbers that the reference lacks are left out.
    """
    far = {}
    for name, value in measures.items():
        if name in reference["measures"]:
            q1, q3 = reference["measures"][name]["q1"], reference["measures"][name]["q3"]
            far[name] = max(q1 - value, value - q3, 0.0) / max(q3 - q1, LEAST_SPREAD[name])
    return far
