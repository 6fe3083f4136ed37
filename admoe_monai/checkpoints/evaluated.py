"""Choice of a checkpoint's weights that stand for the model once training is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from .errors import IncompatibleCheckpointError


def weights_to_evaluate(checkpoint: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Choose the weights that evaluation, export and further training begin with; a resume goes on with `model_state_dict`.

    Args:
        checkpoint: Contents of the file. Its key `evaluated`, if it has one, names the entry of `further` whose weights are
            meant, such as a moving average.

    Raises:
        IncompatibleCheckpointError: If there are no weights where `evaluated` points to.
    """
    holder, name = checkpoint, checkpoint.get("evaluated")
    if name is not None:
        holder = checkpoint.get("further", {}).get(name, {})
    if "model_state_dict" not in holder:
        raise IncompatibleCheckpointError(
            f"the checkpoint is evaluated by the weights of '{name}', which it does not hold"
        )
    return dict(holder["model_state_dict"])
