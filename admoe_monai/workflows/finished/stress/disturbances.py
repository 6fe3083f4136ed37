"""What may be wrong with a scan, each by a strength in a unit of its own: made by MONAI's transforms on the scan as it is read.

Everything that a run does to a scan comes behind it: foreground, crop, normalisation, size. A seed always gives the same
disturbance; a stronger one of the same seed has the same pattern.

Shapes: ``*S`` spatial axes, two or three.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from monai.data import MetaTensor
from monai.data.utils import affine_to_spacing
from monai.transforms import Affine, GaussianSmooth, RandBiasField, RandRicianNoise, ResampleToMatch, Spacing

from admoe_monai.transforms import Foreground

#: Full width at half maximum of a Gaussian of standard deviation 1.
FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
#: Share of the edge that is of one value where a brain has been cut out, as the foreground has it.
CUT_OUT = 0.99


class RawScan:
    """A scan before all preprocessing, and what disturbances need to know of it.

    Args:
        voxels: ``(1, *S)`` with its affine in mm.
    """

    def __init__(self, voxels: MetaTensor) -> None:
        self.voxels = voxels
        self.floor = float(voxels.min())

    @property
    def axes(self) -> int:
        """Number of spatial axes."""
        return self.voxels.ndim - 1

    @cached_property
    def spacing_mm(self) -> np.ndarray:
        """Edges of a voxel in mm."""
        return np.asarray(affine_to_spacing(self.voxels.affine, self.axes), dtype=float)

    @cached_property
    def inside(self) -> torch.Tensor:
        """The foreground, ``(1, *S)`` bool."""
        return torch.as_tensor(Foreground()(self.voxels)).as_subclass(torch.Tensor) != 0

    @cached_property
    def intensity_range(self) -> float:
        """From the 0.5th to the 99.5th percentile of the foreground."""
        low, high = np.percentile(np.asarray(self.voxels)[np.asarray(self.inside)], (0.5, 99.5))
        return float(high - low)

    @cached_property
    def brain(self) -> MetaTensor:
        """What may mix, ``(1, *S)`` of 0 and 1: a brain that was cut out, or all of the image around a head."""
        values = np.asarray(self.voxels)[0]
        edge = np.concatenate([np.take(values, end, axis).ravel() for axis in range(self.axes) for end in (0, -1)])
        if np.mean(edge == self.floor) < CUT_OUT:
            return torch.ones_like(self.voxels)
        brain: MetaTensor = torch.zeros_like(self.voxels)
        brain[self.inside] = 1.0
        return brain

    def through(self, change: Callable[[MetaTensor], MetaTensor], moved: bool = False) -> MetaTensor:
        """Let neighbours mix, but for what is around a cut-out brain or beyond the image, which would darken the rim.

        A scanner disturbs the whole head and the brain is cut out afterwards.

        Args:
            change: Linear function of voxels.
            moved: Whether the brain lies elsewhere afterwards.
        """
        share = change(self.brain)
        mixed = change((self.voxels - self.floor) * self.brain)
        brain = share >= 0.5 if moved else self.brain
        cut: MetaTensor = mixed / share.clamp(min=0.05) * brain + self.floor
        return cut


def _noise(scan: RawScan, strength: float, seed: int) -> MetaTensor:
    rician = RandRicianNoise(prob=1.0, std=strength * scan.intensity_range, sample_std=False)
    rician.set_random_state(seed)
    noisy: MetaTensor = rician(scan.voxels - scan.floor) * scan.brain + scan.floor
    return noisy


def _bias_field(scan: RawScan, strength: float, seed: int) -> MetaTensor:
    smooth = RandBiasField(degree=3, coeff_range=(-1.0, 1.0), prob=1.0)
    smooth.set_random_state(seed)
    field = torch.as_tensor(smooth(torch.ones(scan.voxels.shape))).log()
    low, high = field[scan.inside].min(), field[scan.inside].max()
    gain = 1.0 + strength * ((field - low) / (high - low) - 0.5)
    shaded: MetaTensor = (scan.voxels - scan.floor) * gain.clamp(min=0.0) + scan.floor
    return shaded


def _blur(scan: RawScan, strength: float, seed: int) -> MetaTensor:
    return scan.through(_smooth(scan, np.full(scan.axes, strength)))


def _voxels(scan: RawScan, strength: float, seed: int) -> MetaTensor:
    coarse = np.maximum(strength, scan.spacing_mm)
    if not (coarse > scan.spacing_mm).any():
        return scan.voxels
    # What lies within a coarse voxel is averaged; reading single points of it would be no scan.
    average = _smooth(scan, np.sqrt(coarse**2 - scan.spacing_mm**2))
    down = Spacing(pixdim=coarse.tolist(), mode="bilinear", padding_mode="border")
    # Back on its grid, where the brain is cut out: of coarse voxels, what comes behind would mix the edge with nothing.
    up = ResampleToMatch(mode="bilinear", padding_mode="border")
    return scan.through(lambda voxels: up(down(average(voxels)), img_dst=scan.voxels))


def _turn(scan: RawScan, strength: float, seed: int) -> MetaTensor:
    """Turn about the middle, in a plane drawn at random; the affine turns along, so that a mask of the scan still fits."""
    plane = np.linalg.qr(np.random.default_rng(seed).normal(size=(scan.axes, 2)))[0]
    angle, u, v = np.deg2rad(strength), plane[:, :1], plane[:, 1:]
    turned = np.eye(scan.axes) + np.sin(angle) * (v @ u.T - u @ v.T) + (np.cos(angle) - 1) * (u @ u.T + v @ v.T)
    matrix = np.eye(scan.axes + 1)
    matrix[:-1, :-1] = turned * scan.spacing_mm[None] / scan.spacing_mm[:, None]
    return scan.through(Affine(affine=matrix, padding_mode="border", image_only=True), moved=True)


def _smooth(scan: RawScan, fwhm_mm: np.ndarray) -> GaussianSmooth:
    return GaussianSmooth(sigma=(fwhm_mm / FWHM / scan.spacing_mm).tolist())


@dataclass(frozen=True)
class Disturbance:
    """One kind of disturbance.

    Attributes:
        apply: Function from a scan, a strength and a seed to the voxels that take the place of the scan's.
        unit: Unit of the strength, as it stands behind the number.
        strengths: Strengths by default.
        below: Bound that strengths have to stay below.
    """

    apply: Callable[[RawScan, float, int], MetaTensor]
    unit: str
    strengths: tuple[float, ...]
    below: float


DISTURBANCES = {
    "noise": Disturbance(_noise, "of the range", (0.02, 0.05, 0.1), 2.0),
    "bias_field": Disturbance(_bias_field, "of the gain", (0.2, 0.4, 0.8), 2.0),
    "blur": Disturbance(_blur, "mm", (2.0, 4.0, 8.0), 100.0),
    "voxels": Disturbance(_voxels, "mm", (4.0, 6.0, 8.0), 100.0),
    # From 45 degrees on, the axes of the affine would be taken for others, which turns the head back.
    "turn": Disturbance(_turn, "degrees", (5.0, 10.0, 20.0), 45.0),
}
