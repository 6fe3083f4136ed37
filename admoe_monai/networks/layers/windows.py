"""Cutting a map of tokens into shifted windows and putting it together again, for any size and number of axes.

Axis letters: B batch, *S spatial axes, C channels, W windows, N tokens of a window.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .constants import constant


@dataclass(frozen=True)
class WindowPlan:
    """How a map of one size is covered by windows.

    Swin Transformer V2 (Liu et al. 2022, arXiv:2111.09883) covers L tokens by windows of a fixed size and pads the
    rest. Here windows are balanced: as few as the fixed size would need, each as small as that number allows. Shift
    and number of windows are a matter of each axis alone.

    Args:
        size: Tokens along each spatial axis.
        window: Tokens of a window along each axis.
        shift: Cyclic shift in tokens along each axis, below the window.
    """

    size: tuple[int, ...]
    window: tuple[int, ...]
    shift: tuple[int, ...]

    @classmethod
    def balanced(cls, size: Sequence[int], window_size: Sequence[int], shifted: bool) -> WindowPlan:
        """Cover a map by balanced windows.

        Args:
            size: Tokens along each spatial axis.
            window_size: Largest allowed window along each axis.
            shifted: Whether windows are shifted by half their size, along axes that need more than one.

        Returns:
            The plan.

        Raises:
            ValueError: If the numbers of axes differ.
        """
        if len(size) != len(window_size):
            raise ValueError(f"A map of {tuple(size)} tokens needs as many window sizes, got {tuple(window_size)}.")
        counts = [math.ceil(length / largest) for length, largest in zip(size, window_size, strict=True)]
        window = tuple(math.ceil(length / count) for length, count in zip(size, counts, strict=True))
        shift = tuple(w // 2 if shifted and count > 1 else 0 for w, count in zip(window, counts, strict=True))
        return cls(tuple(size), window, shift)

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of windows along each axis."""
        return tuple(math.ceil(length / w) for length, w in zip(self.size, self.window, strict=True))

    @property
    def padded(self) -> tuple[int, ...]:
        """Tokens along each axis, padding included."""
        return tuple(count * w for count, w in zip(self.counts, self.window, strict=True))

    def partition(self, x: Tensor) -> Tensor:
        """Shift, pad and cut a map.

        Args:
            x: Tokens, ``(B, *S, C)``.

        Returns:
            Windows, ``(B, W, N, C)``.
        """
        if any(self.shift):
            x = torch.roll(x, [-s for s in self.shift], self._spatial_axes)
        if self.padded != self.size:
            missing = [after - before for before, after in zip(self.size, self.padded, strict=True)]
            x = F.pad(x, [0, 0, *(p for m in reversed(missing) for p in (0, m))])
        split = [length for pair in zip(self.counts, self.window, strict=True) for length in pair]
        n = len(self.size)
        x = x.reshape(x.shape[0], *split, x.shape[-1])
        x = x.permute(0, *range(1, 2 * n, 2), *range(2, 2 * n + 1, 2), 2 * n + 1)
        return x.reshape(x.shape[0], math.prod(self.counts), math.prod(self.window), x.shape[-1])

    def reverse(self, windows: Tensor) -> Tensor:
        """Undo :meth:`partition`.

        Args:
            windows: Windows, ``(B, W, N, C)``.

        Returns:
            Tokens, ``(B, *S, C)``.
        """
        n = len(self.size)
        x = windows.reshape(windows.shape[0], *self.counts, *self.window, windows.shape[-1])
        x = x.permute(0, *(axis for i in range(1, n + 1) for axis in (i, i + n)), 2 * n + 1)
        x = x.reshape(x.shape[0], *self.padded, x.shape[-1])
        for axis, length in zip(self._spatial_axes, self.size, strict=True):
            x = x.narrow(axis, 0, length)
        if any(self.shift):
            x = torch.roll(x, list(self.shift), self._spatial_axes)
        return x

    def mask(self, device: torch.device) -> Tensor | None:
        """Tell which pairs of tokens of a window must not attend to each other.

        These are pairs that only the cyclic shift has brought together, and pairs of a token and padding.

        Args:
            device: Where the mask is needed.

        Returns:
            Boolean ``(W, N, N)``, True = masked, or None if nothing is masked.
        """
        if self.padded == self.size and not any(self.shift):
            return None
        return _mask(self, device)

    @property
    def _spatial_axes(self) -> list[int]:
        return list(range(1, len(self.size) + 1))


@constant
def _mask(plan: WindowPlan, device: torch.device) -> Tensor:
    regions = torch.zeros(plan.padded, dtype=torch.int64, device=device)
    for axis, (length, padded, shift) in enumerate(zip(plan.size, plan.padded, plan.shift, strict=True)):
        # 0 in place, 1 carried over from the far side, 2 padding: three values per axis, read as digits.
        position = torch.arange(padded, device=device)
        region = (position >= length - shift).long() + (position >= length).long()
        regions = regions * 3 + region.reshape([-1 if i == axis else 1 for i in range(len(plan.size))])
    unshifted = WindowPlan(plan.padded, plan.window, (0,) * len(plan.size))
    labels = unshifted.partition(regions[None, ..., None])[0, ..., 0]
    return labels[:, :, None] != labels[:, None, :]
