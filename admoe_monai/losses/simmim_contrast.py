"""SimMIM beside a contrast between two views of an image. Axis letters: B batch, D width of a feature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai.losses import ContrastiveLoss
from torch import Tensor

from .simmim import SimMIMLoss


class SimMIMContrastLoss(SimMIMLoss):
    """SimMIM, and NT-Xent between the features of two views (SimCLR, Chen et al. 2020, arXiv:2002.05709).

    The features of two views of an image should be more alike than those of any two images of the batch. Deviation from
    SimCLR: no projection head; the averaged tokens that the decoder sees are compared. A batch of one image has nothing
    to be told apart from: its contrast is zero.

    Args:
        contrast_weight: Weight of the contrast.
        temperature: Divisor of the cosine similarities; the smaller, the more the most similar images count.
        kwargs: Arguments of :class:`SimMIMLoss`.

    Raises:
        ValueError: If the weight is negative or the temperature not positive.
    """

    def __init__(self, *, contrast_weight: float = 0.1, temperature: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if contrast_weight < 0:
            raise ValueError(f"contrast_weight must not be negative, got {contrast_weight}.")
        if temperature <= 0:
            raise ValueError(f"temperature must be positive, got {temperature}.")
        self.contrast = ContrastiveLoss(temperature)
        self.weights["contrast"] = contrast_weight

    def components(self, prediction: Mapping[str, Any], target: Mapping[str, Any]) -> dict[str, Tensor]:
        """Compute the parts of SimMIM over all views, and the contrast where there are two of each image.

        Args:
            prediction: Outputs as for :class:`SimMIMLoss`, and ``features`` with those of ``reconstruction``, ``(B, D)``.
            target: Tensors as for :class:`SimMIMLoss`, and ``view``, the number of each image's view, int64 ``(B,)``, 0 or
                1, each view with the images in the same order; without it every image is there once, and there is no
                contrast.

        Returns:
            Scalars by the name of the part.
        """
        parts = super().components(prediction, target)
        view = target.get("view")
        if self.weights["contrast"] and view is not None:
            # In float32, for exponentials of differences follow.
            features = prediction["features"]["reconstruction"].float()
            parts["contrast"] = self.contrast(features[view == 0], features[view == 1])
        return parts
