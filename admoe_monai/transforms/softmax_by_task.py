"""Logits of several tasks side by side to probabilities.

Shapes: ``K1 + K2 + …`` classes of all tasks.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends

__all__ = ["SoftmaxByTask", "SoftmaxByTaskd"]


class SoftmaxByTask(Transform):
    """Softmax within each task, in double precision.

    Args:
        num_classes: number of classes of each task, in the order of the logits.
        temperatures: of the calibration, dividing the logits of each task; 1 by default.

    Raises:
        ValueError: If a task has fewer than two classes, or a temperature is not positive.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's own declaration

    def __init__(self, num_classes: Sequence[int], temperatures: Sequence[float] | None = None) -> None:
        if not num_classes or min(num_classes) < 2:
            raise ValueError(f"each task needs two or more classes, got {list(num_classes)}")
        self.num_classes = list(num_classes)
        self.temperatures = [1.0] * len(self.num_classes) if temperatures is None else list(temperatures)
        if len(self.temperatures) != len(self.num_classes) or not min(self.temperatures) > 0:
            raise ValueError(f"each task needs a positive temperature, got {temperatures}")

    def __call__(self, logits: torch.Tensor) -> torch.Tensor:
        """Return ``(K1 + K2 + …,)`` float64, of which the entries of each task sum to 1.

        Args:
            logits: ``(K1 + K2 + …,)``.

        Raises:
            ValueError: If their number is not that of the classes.
        """
        if logits.shape != (sum(self.num_classes),):
            raise ValueError(f"expected {sum(self.num_classes)} logits, got the shape {tuple(logits.shape)}")
        parts = zip(logits.split(self.num_classes), self.temperatures, strict=True)
        return torch.cat([(part.double() / temperature).softmax(0) for part, temperature in parts])


class SoftmaxByTaskd(MapTransform):
    """Dictionary twin of :class:`SoftmaxByTask`.

    Args:
        keys: keys of the logits.
        num_classes: see :class:`SoftmaxByTask`.
        temperatures: see :class:`SoftmaxByTask`.
        allow_missing_keys: skip keys that an item lacks.
    """

    backend = SoftmaxByTask.backend

    def __init__(
        self,
        keys: KeysCollection,
        num_classes: Sequence[int],
        temperatures: Sequence[float] | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = SoftmaxByTask(num_classes, temperatures)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with probabilities."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.transform(item[key])
        return item
