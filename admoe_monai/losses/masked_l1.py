"""Error of a reconstruction where the image was masked.

Axis letters: B batch, C channels, *S spatial axes, *G patches along each of them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

VARIANCE_FLOOR = 0.01


class MaskedL1Loss(nn.Module):
    """L1 over masked voxels, divided by their number and by the channels (SimMIM, Xie et al. 2022, arXiv:2111.09886).

    Deviations: only voxels of the foreground count, and when the target is normalised over a local window, so do its
    statistics, whose variance is at least 1 % of the foreground's, so that flat tissue isn't blown up into noise.

    Args:
        patch_size: Voxels along each axis of the patches that a mask refers to.
        norm_window: Odd number of voxels along each axis of the window that the target is normalised over; None leaves
            the target as it is.

    Raises:
        ValueError: If the window isn't a positive odd number or a shape doesn't fit.
    """

    def __init__(self, patch_size: int, norm_window: int | None = None) -> None:
        super().__init__()
        if norm_window is not None and (norm_window < 1 or norm_window % 2 == 0):
            raise ValueError(f"norm_window must be a positive odd number of voxels, got {norm_window}.")
        self.patch_size = patch_size
        self.norm_window = norm_window

    def forward(self, prediction: Tensor, image: Tensor, mask: Tensor, foreground: Tensor | None = None) -> Tensor:
        """Compare a reconstruction with its image.

        Args:
            prediction: Reconstruction, ``(B, C, *S)``.
            image: Image, ``(B, C, *S)``.
            mask: Boolean ``(B, 1, *G)``, G = ceil(S / patch_size), True = masked.
            foreground: Boolean ``(B, 1, *S)``; None counts every voxel.

        Returns:
            Mean absolute error, a scalar; zero if no voxel is both masked and foreground.
        """
        if prediction.shape != image.shape:
            raise ValueError(f"A prediction of {tuple(prediction.shape)} doesn't fit an image of {tuple(image.shape)}.")
        within = torch.ones_like(image[:, :1]) if foreground is None else foreground.to(image.dtype)
        counted = self._voxels(mask, image) * within
        target = image if self.norm_window is None else self._normalise(image, within)
        error = ((prediction - target).abs() * counted).sum()
        return error / (counted.sum().clamp(min=1) * image.shape[1])

    def _voxels(self, mask: Tensor, image: Tensor) -> Tensor:
        grid = [-(-length // self.patch_size) for length in image.shape[2:]]
        if list(mask.shape) != [image.shape[0], 1, *grid]:
            raise ValueError(f"A mask of {tuple(mask.shape)} doesn't fit an image of {tuple(image.shape)}.")
        voxels = mask.to(image.dtype)
        for axis, length in enumerate(image.shape[2:], start=2):
            voxels = voxels.repeat_interleave(self.patch_size, dim=axis).narrow(axis, 0, length)
        return voxels

    def _normalise(self, image: Tensor, within: Tensor) -> Tensor:
        assert self.norm_window is not None
        spatial = list(range(2, image.ndim))
        number = within.sum(spatial, keepdim=True).clamp(min=1)
        mean = (image * within).sum(spatial, keepdim=True) / number
        # Around the foreground's mean the difference of squares below keeps its digits.
        centred = (image - mean) * within
        variance = centred.square().sum(spatial, keepdim=True) / number

        share = _box_mean(within, self.norm_window).clamp(min=torch.finfo(image.dtype).eps)
        local_mean = _box_mean(centred, self.norm_window) / share
        local_variance = _box_mean(centred.square(), self.norm_window) / share - local_mean.square()
        # A constant image has no variance to take a share of.
        floor = (VARIANCE_FLOOR * variance).clamp(min=torch.finfo(image.dtype).eps)
        normalised: Tensor = (centred - local_mean) / torch.maximum(local_variance, floor).sqrt()
        return normalised


def _box_mean(x: Tensor, window: int) -> Tensor:
    """Average over a cube around every voxel, zeros outside the volume: one axis after another, as a cube allows."""
    for axis in range(2, x.ndim):
        rows = x.movedim(axis, -1)
        mean = F.avg_pool1d(rows.reshape(-1, 1, rows.shape[-1]), window, stride=1, padding=window // 2)
        x = mean.reshape(rows.shape).movedim(-1, axis)
    return x
