"""Weights of a Swin V2 for slices, made to fit one for volumes, or another number of channels.

A volume that repeats one slice along its first axis then has the features of that slice in every stage: a patch sums
over its voxels along the new axis, merging over twice as many neighbours, and the position bias doesn't see the new axis,
along which each token of the plane is repeated equally often in every window. (Slices whose number is no multiple of the
encoder's stride end in zeros, which have no counterpart in the plane.)

Axis letters: D width, C channels, H hidden width of the position bias, K kernel edge.
"""

from __future__ import annotations

import torch
from torch import Tensor


def fit_patch_kernel(kernel: Tensor, like: Tensor) -> Tensor:
    """Fit ``(D, C, *K)`` of a patch embedding.

    Args:
        kernel: As published; of three channels where it was trained on colours.
        like: The network's own, of one channel or as many, of as many spatial axes or one more.

    Returns:
        Channels summed where the network has one, for a grey image is the same in each of them; the kernel repeated over a new
        first axis and divided by its length.
    """
    if like.shape[1] == 1 and kernel.shape[1] > 1:
        kernel = kernel.sum(dim=1, keepdim=True)
    if like.ndim == kernel.ndim + 1:
        length = like.shape[2]
        kernel = kernel[:, :, None].expand(-1, -1, length, *kernel.shape[2:]) / length
    return kernel


def fit_position_bias(weight: Tensor, like: Tensor) -> Tensor:
    """Fit ``(H, axes)`` of the position bias's first layer: nothing depends on a new first axis."""
    if like.shape[-1] == weight.shape[-1] + 1:
        weight = torch.cat((weight.new_zeros(len(weight), 1), weight), dim=-1)
    return weight


def fit_merging(weight: Tensor, like: Tensor) -> Tensor:
    """Fit ``(2D, 2^n D)`` of a merging: neighbours along a new first axis have half the weight each."""
    if like.shape[-1] == 2 * weight.shape[-1]:
        # The first axis varies fastest among the neighbours, which come before the width.
        width = len(weight) // 2
        weight = weight.unflatten(1, (-1, width)).repeat_interleave(2, dim=1).flatten(1) / 2
    return weight
