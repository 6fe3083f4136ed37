"""Several views of an image, each by random numbers of its own. Axis letters: V views."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable, Transform
from monai.utils import TransformBackends

__all__ = ["RandViews", "RandViewsd"]


class RandViews(Randomizable, Transform):
    """Apply a random transform to copies of what it is given, an array or a dictionary, once for each view.

    ``set_random_state`` sets that of the transform, which draws the views one after the other: all of them follow from
    one seed.

    Args:
        transform: Random; a transform that is not gives views that are all the same.
        views: Number of views V.

    Raises:
        ValueError: If there are fewer than two views.
    """

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]  # noqa: RUF012 - MONAI's own declaration

    def __init__(self, transform: Callable[[Any], Any], views: int = 2) -> None:
        if views < 2:
            raise ValueError(f"There must be two or more views, got {views}.")
        self.transform = transform
        self.views = views

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> RandViews:
        """Set the random state of the transform, too."""
        super().set_random_state(seed, state)
        if isinstance(self.transform, Randomizable):
            self.transform.set_random_state(seed, state)
        return self

    def __call__(self, data: Any) -> list[Any]:
        """Return the views; ``data`` is left as it is."""
        return [self.transform(copy.deepcopy(data)) for _ in range(self.views)]


class RandViewsd(Randomizable, MapTransform):
    """Dictionary twin of :class:`RandViews`: the transform sees whole items, whose arrays are then stacked.

    Args:
        keys: Arrays that each view has one of, ``(C, *S)`` becoming ``(V, C, *S)``; anything else is that of the first
            view.
        transform: See :class:`RandViews`; takes and returns a dictionary, and may add keys, such as a mask.
        views: See :class:`RandViews`.
        allow_missing_keys: Whether a view may lack some of the keys.
    """

    backend = RandViews.backend

    def __init__(
        self,
        keys: KeysCollection,
        transform: Callable[[Any], Any],
        views: int = 2,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.transform = RandViews(transform, views)

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> RandViewsd:
        """Set the random state of the twin as well: it is the one that draws."""
        super().set_random_state(seed, state)
        self.transform.set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return an item with the views of each key in one array."""
        views = self.transform(dict(data))
        item = dict(views[0])
        for key in self.key_iterator(item):
            item[key] = torch.stack([torch.as_tensor(view[key]).as_subclass(torch.Tensor) for view in views])
        return item
