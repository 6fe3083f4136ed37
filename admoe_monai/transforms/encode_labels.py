"""Class names to class indices."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends

__all__ = ["EncodeLabels", "EncodeLabelsd"]

UNKNOWN = -1


class EncodeLabels(Transform):
    """Turn a class name into its position among the classes; an unknown label (``None``) becomes -1.

    Args:
        classes: names in the order of the network's outputs, at least two.

    Raises:
        ValueError: If there are fewer than two classes, or one is repeated.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's own declaration

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes):
            raise ValueError(f"expected two or more different classes, got {list(self.classes)}")

    def __call__(self, label: str | None) -> torch.Tensor:
        """Return the label as an int64 scalar.

        Raises:
            ValueError: If the label is not one of the classes.
        """
        if label is None:
            return torch.tensor(UNKNOWN)
        if label not in self.classes:
            raise ValueError(f"label {label!r} is not one of the classes {list(self.classes)}")
        return torch.tensor(self.classes.index(label))


class EncodeLabelsd(MapTransform):
    """Dictionary twin of :class:`EncodeLabels`, one list of classes per key.

    Args:
        classes: class names per key, such as ``{"diagnosis": ["CN", "MCI", "AD"]}``; its keys are the keys encoded.
        allow_missing_keys: skip keys that an item lacks.
    """

    backend = EncodeLabels.backend

    def __init__(self, classes: Mapping[str, Sequence[str]], allow_missing_keys: bool = False) -> None:
        super().__init__(tuple(classes), allow_missing_keys)
        self.transforms = {key: EncodeLabels(names) for key, names in classes.items()}

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with encoded labels."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.transforms[str(key)](item[key])
        return item
