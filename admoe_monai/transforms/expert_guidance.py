"""Weights that steer the experts from outside of the gate (routing ``label_guided`` and ``uniform``).

Shapes: ``E`` experts.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal, get_args

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends

from .encode_labels import UNKNOWN

__all__ = ["ExpertGuidance", "ExpertGuidanced"]

Routing = Literal["learned", "label_guided", "uniform"]


class ExpertGuidance(Transform):
    """Give each item the expert weights that its routing asks for; NaN means that the gate decides.

    - ``learned``: NaN for everybody.
    - ``label_guided``: ``shared_weight`` on the shared expert and the rest on the expert named like the label's class;
      NaN for an unknown label. It uses the label, so it belongs in the training subjects' chain alone: a
      held-out label must never steer a forward pass.
    - ``uniform``: ``1 / E`` for everybody.

    Args:
        routing: one of the three above.
        experts: names in the network's order, ``shared`` among them.
        classes: names of the classes in the order of their indices.
        shared_weight: weight of the shared expert under ``label_guided``, in [0, 1].
        expert_of: expert of each class where it is not the one of the same name in lower case.

    Raises:
        ValueError: If the routing is unknown, the weight lies outside [0, 1], or under ``label_guided`` there is no class or
            one has no expert.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's own declaration

    def __init__(
        self,
        routing: Routing = "learned",
        experts: Sequence[str] = ("shared", "cn", "mci", "ad"),
        classes: Sequence[str] = ("CN", "MCI", "AD"),
        shared_weight: float = 0.4,
        expert_of: Mapping[str, str] | None = None,
    ) -> None:
        if routing not in get_args(Routing):
            raise ValueError(f"routing must be one of {list(get_args(Routing))}, got {routing!r}")
        if not 0.0 <= shared_weight <= 1.0:
            raise ValueError(f"shared_weight must lie between 0 and 1, got {shared_weight}")
        self.routing = routing
        self.experts = tuple(experts)
        self.unguided = torch.full((len(self.experts),), float("nan"))
        self.rows: list[torch.Tensor] = []
        if routing == "label_guided":
            if not classes:
                raise ValueError(
                    "label_guided routing needs a task whose classes the experts are named after, got none"
                )
            names = [(expert_of or {}).get(name, name.lower()) for name in classes]
            for name in ("shared", *names):
                if name not in self.experts:
                    raise ValueError(f"label_guided routing needs an expert {name!r}, got {list(self.experts)}")
            for name in names:
                row = torch.zeros(len(self.experts))
                row[self.experts.index("shared")] += shared_weight
                row[self.experts.index(name)] += 1.0 - shared_weight
                self.rows.append(row)

    def __call__(self, label: int | torch.Tensor) -> torch.Tensor:
        """Return the weights of one item.

        Args:
            label: index of the class, -1 where unknown.

        Returns:
            ``(E,)`` float32, all NaN where the gate decides.

        Raises:
            ValueError: If the index is neither -1 nor that of a class.
        """
        if self.routing == "uniform":
            return torch.full_like(self.unguided, 1.0 / len(self.experts))
        index = int(label)
        if self.routing == "learned" or index == UNKNOWN:
            return self.unguided.clone()
        if not 0 <= index < len(self.rows):
            raise ValueError(f"label {index} is not the index of one of {len(self.rows)} classes")
        return self.rows[index].clone()


class ExpertGuidanced(MapTransform):
    """Dictionary twin of :class:`ExpertGuidance`: adds the weights beside the encoded label.

    Args:
        keys: key of the encoded label.
        routing: see :class:`ExpertGuidance`.
        experts: see :class:`ExpertGuidance`.
        classes: see :class:`ExpertGuidance`.
        shared_weight: see :class:`ExpertGuidance`.
        expert_of: see :class:`ExpertGuidance`.
        guidance_key: key of the weights to write.
        allow_missing_keys: take the label of an item that has none for unknown.
    """

    backend = ExpertGuidance.backend

    def __init__(
        self,
        keys: KeysCollection,
        routing: Routing = "learned",
        experts: Sequence[str] = ("shared", "cn", "mci", "ad"),
        classes: Sequence[str] = ("CN", "MCI", "AD"),
        shared_weight: float = 0.4,
        expert_of: Mapping[str, str] | None = None,
        guidance_key: str = "guidance",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise ValueError(f"the weights follow one label, got keys {self.keys}")
        self.transform = ExpertGuidance(routing, experts, classes, shared_weight, expert_of)
        self.guidance_key = guidance_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with the weights."""
        item = dict(data)
        label = next((item[key] for key in self.key_iterator(item)), UNKNOWN)
        item[self.guidance_key] = self.transform(label)
        return item
