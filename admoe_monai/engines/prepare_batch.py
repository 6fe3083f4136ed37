"""Objectives enter MONAI's engines here: what of a batch the network sees, and what the loss compares with.

Axis letters: B batch, C channels, *S spatial axes, P prior features, E experts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from monai.engines.utils import PrepareBatch

Prepared = tuple[torch.Tensor, dict[str, torch.Tensor], tuple[()], dict[str, Any]]


def _to(
    batch: Mapping[str, Any], keys: Sequence[str], device: str | torch.device | None, non_blocking: bool, **kwargs: Any
) -> dict[str, torch.Tensor]:
    # Plain tensors: the bookkeeping of MetaTensor costs 7 % of a small forward pass on the CPU.
    return {
        key: torch.as_tensor(batch[key])
        .as_subclass(torch.Tensor)
        .to(device=device, non_blocking=non_blocking, **kwargs)
        for key in keys
        if key in batch
    }


class PrepareReconstructionBatch(PrepareBatch):
    """Image and mask for the network; image, mask and foreground for the loss (SimMIM).

    The batch holds "image" (B, C, *S), "mask" (B, 1, *grid) with 1 = masked, "foreground" (B, 1, *S), and "guidance"
    (B, E) with NaN where the gate decides.
    """

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> Prepared:
        """Return image, target, no positional and the keyword arguments of the network."""
        batch = _to(batchdata, ("image", "mask", "foreground", "guidance"), device, non_blocking, **kwargs)
        network_kwargs = {"tasks": ("reconstruction",), "mask": batch["mask"], "guidance": batch.get("guidance")}
        return batch["image"], batch, (), network_kwargs


class PrepareClassificationBatch(PrepareBatch):
    """Image and clinical prior for the network; the labels of each task for the loss.

    The batch holds "image" (B, C, *S), "prior" (B, P) with NaN where missing (absent if the network takes none), and
    one label (B,) per task, -1 where unknown.

    Args:
        tasks: names of the tasks, which are also the keys of their labels.
    """

    def __init__(self, tasks: Sequence[str]) -> None:
        self.tasks = tuple(tasks)

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> Prepared:
        """Return image, labels, no positional and the keyword arguments of the network."""
        batch = _to(batchdata, ("image", "prior", *self.tasks), device, non_blocking, **kwargs)
        network_kwargs: dict[str, Any] = {"tasks": self.tasks}
        if "prior" in batch:
            network_kwargs["prior"] = batch["prior"]
        return batch["image"], {task: batch[task] for task in self.tasks}, (), network_kwargs
