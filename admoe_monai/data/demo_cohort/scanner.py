"""The effects of a scanner on a head: contrast, a bias field, blur, Rician noise and an arbitrary scale of intensities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .anatomy import FloatArray
from .smooth_field import smooth_field

__all__ = ["SITES", "Site", "acquire"]

# Mean of white matter in the stored integers, before the scan's own scale.
_WHITE_MATTER_LEVEL = 500.0
# Standard deviation of the bias field's logarithm, and the distance over which it changes, in mm.
_BIAS = 0.05
_BIAS_MM = 60.0


@dataclass(frozen=True)
class Site:
    """A site: its scanner and the properties of the images.

    Args:
        scanner: Name of the scanner (invented).
        field_strength: Field strength in tesla.
        noise: Standard deviation of each channel's noise, as a share of white matter's intensity.
        gamma: Exponent on normalised intensity; below 1 flattens the contrast.
        blur_mm: Standard deviation of additional blur, in mm.
    """

    scanner: str
    field_strength: float
    noise: float
    gamma: float
    blur_mm: float


# The last one is the site that `shortcut="site"` ties to the diagnosis.
SITES: Mapping[str, Site] = {
    "site-01": Site(scanner="Demo-1.5T", field_strength=1.5, noise=0.030, gamma=1.00, blur_mm=0.0),
    "site-02": Site(scanner="Demo-3T-A", field_strength=3.0, noise=0.020, gamma=1.04, blur_mm=0.0),
    "site-03": Site(scanner="Demo-3T-B", field_strength=3.0, noise=0.022, gamma=0.92, blur_mm=1.0),
}


def acquire(
    intensity: FloatArray, brain: NDArray[np.bool_], site: Site, spacing_mm: float, generator: np.random.Generator
) -> NDArray[np.int16]:
    """Turn a noiseless head into the integers of a skull-stripped scan: 0 outside the brain, at least 1 inside.

    Args:
        intensity: Noiseless intensity (X, Y, Z), 0 to 1.
        brain: Brain mask (X, Y, Z).
        site: Site with the scanner.
        spacing_mm: Voxel size in mm.
        generator: Random numbers of this scan.
    """
    gamma = site.gamma * np.exp(generator.normal(0, 0.03))
    scale = _WHITE_MATTER_LEVEL * np.exp(generator.normal(0, 0.15))
    # 0.86 is white matter in the template: the exponent must not move the overall brightness.
    signal = (intensity / 0.86) ** np.float32(gamma)
    if site.blur_mm > 0:
        weight = ndimage.gaussian_filter(brain.astype(np.float32), site.blur_mm / spacing_mm)
        signal = ndimage.gaussian_filter(signal, site.blur_mm / spacing_mm) / np.maximum(weight, 0.05)
    signal = signal * _bias_field(signal.shape, spacing_mm, generator)
    real = signal + site.noise * generator.standard_normal(signal.shape, dtype=np.float32)
    imaginary = site.noise * generator.standard_normal(signal.shape, dtype=np.float32)
    measured = np.clip(np.round(np.hypot(real, imaginary) * scale), 1, np.iinfo(np.int16).max)
    return np.where(brain, measured, 0).astype(np.int16)


def _bias_field(shape: tuple[int, ...], spacing_mm: float, generator: np.random.Generator) -> FloatArray:
    """Draw a smooth gain whose logarithm has mean zero."""
    field = smooth_field(generator, shape, spacing_mm, _BIAS_MM)
    field -= field.mean()
    return np.asarray(np.exp(_BIAS * field / max(float(field.std()), 1e-6)), dtype=np.float32)
