"""SmoothGrad (Smilkov et al. 2017, arXiv 1706.03825) by MONAI, repeatable by its seed.

Axis letters: C channels, *S spatial axes.
"""

from __future__ import annotations

from typing import Any

import torch
from monai.visualize import SmoothGrad
from torch import Tensor

from .difference import LogitDifference


def smoothgrad(
    difference: LogitDifference, image: Tensor, samples: int, noise: float, seed: int, **named: Any
) -> Tensor:
    """Average the gradient of the difference over noisy copies of a scan.

    The gradient keeps its sign (MONAI's default, its root mean square, has none): positive where a brighter voxel would
    speak for the class. Grey channels that repeat one another are added up.

    Args:
        difference: What is explained.
        image: Scan, (1, C, *S).
        samples: Number of noisy copies.
        noise: Standard deviation of the noise as a share of the scan's range of intensities.
        seed: Seed of the noise; the same gives the same map, on one device.
        named: Further arguments of the network.

    Returns:
        Logits per unit of intensity, (*S).
    """
    method = SmoothGrad(difference, stdev_spread=noise, n_samples=samples, magnitude=False, verbose=False)
    # Its noise comes from the global generator, which is left as it was.
    devices = [image.device] if image.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        found = method(image, index=0, retain_graph=False, **named)
    return torch.as_tensor(found).as_subclass(Tensor)[0].sum(0)
