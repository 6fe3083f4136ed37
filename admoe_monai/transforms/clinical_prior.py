"""Clinical values of a visit to the vector that the network's clinical encoder takes.

The statistics (mean, standard deviation, categories) are fitted elsewhere, on the training split alone; this file only
applies them, so that training and inference share one encoding. Shapes: ``P`` numbers per visit.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends

from admoe_monai.errors import UserError

__all__ = ["ClinicalPrior", "ClinicalPriord", "encode_prior", "prior_features"]

USABLE_ROLES = ("clinical", "image_derived")


def prior_features(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the numbers of the encoded vector, in order; their count is the network's ``prior_dim``.

    Args:
        columns: as :func:`encode_prior` takes them.
    """
    names: list[str] = []
    for column in columns:
        if column["kind"] == "continuous":
            names.append(column["name"])
        else:
            names.extend(f"{column['name']}={category}" for category in _indicators(column))
    return names


def encode_prior(values: Mapping[str, Any], columns: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Encode one visit: z-scores for continuous columns, indicators for categories, NaN where a value is missing.

    Two categories give one indicator (of the second), three or more give one each. A category that the training split
    did not hold is missing: the network has no weight that could stand for it.

    Args:
        values: value per column name; ``None``, NaN or an absent name is a missing value.
        columns: per column ``name`` and ``kind``, with ``mean`` and ``std`` if it is ``continuous`` and
            ``categories`` if it is ``categorical``.

    Returns:
        ``(P,)`` float32.

    Raises:
        UserError: If a continuous column holds something that is not a number.
    """
    encoded: list[float] = []
    for column in columns:
        value = values.get(column["name"])
        if column["kind"] == "continuous":
            encoded.append((_number(value, column["name"]) - column["mean"]) / (column["std"] or 1.0))
        elif value is None or value not in column["categories"]:
            encoded.extend(math.nan for _ in _indicators(column))
        else:
            encoded.extend(float(value == category) for category in _indicators(column))
    return np.asarray(encoded, dtype=np.float32)


def _indicators(column: Mapping[str, Any]) -> Sequence[Any]:
    categories: Sequence[Any] = column["categories"]
    return categories[-1:] if len(categories) <= 2 else categories


def _number(value: Any, name: str) -> float:
    if value is None:
        return math.nan
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise UserError(f"prior column '{name}' holds {value!r}, which is not a number") from None
    if math.isinf(number):
        raise UserError(f"prior column '{name}' holds {value!r}, which is not a finite number")
    return number


class ClinicalPrior(Transform):
    """Encode the clinical values of a visit as a vector with NaN for what is missing.

    Args:
        columns: statistics of the columns to use, in order; see :func:`encode_prior`. Each carries its ``role``:
            only ``clinical`` and ``image_derived`` columns may enter.

    Raises:
        UserError: If there is no column, or one has a role that may not enter.
    """

    backend = [TransformBackends.NUMPY]  # noqa: RUF012 - MONAI's own declaration

    def __init__(self, columns: Sequence[Mapping[str, Any]]) -> None:
        if not columns:
            raise UserError("a clinical prior needs at least one column: name some in prior_columns")
        for column in columns:
            if column["role"] not in USABLE_ROLES:
                raise UserError(f"prior column '{column['name']}' has the role {column['role']!r} and can't enter")
        self.columns = tuple(columns)
        self.features = prior_features(self.columns)

    def __call__(self, values: Mapping[str, Any] | None) -> torch.Tensor:
        """Return ``(P,)`` float32; all NaN where a visit has no values at all."""
        return torch.from_numpy(encode_prior(values or {}, self.columns))


class ClinicalPriord(MapTransform):
    """Dictionary twin of :class:`ClinicalPrior`.

    Args:
        keys: key of the dictionary of values, replaced by the vector.
        columns: see :class:`ClinicalPrior`.
        allow_missing_keys: skip keys that an item lacks.
    """

    backend = ClinicalPrior.backend

    def __init__(
        self, keys: KeysCollection, columns: Sequence[Mapping[str, Any]], allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = ClinicalPrior(columns)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with the encoded vector."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.transform(item[key])
        return item
