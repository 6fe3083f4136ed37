"""Preparation of a batch for MONAI's engines: what the network sees of it, and what the loss compares with.

Axis letters: B batch, C channels, *S spatial axes, P prior features, E experts,
V views of an image.
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


class PrepareViewsBatch(PrepareReconstructionBatch):
    """Views of each image one below the other, as images of one batch, and which view each of them is.

    As `PrepareReconstructionBatch`, but that "image", "mask" and "foreground" begin with (B, V, ...), as `RandViewsd`
    makes them, where they began with (B, ...). The target has the number of its view beside, "view" (V * B,): first all
    images in their first view, then all in their second.
    """

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> Prepared:
        """Return images, target, no positional and the keyword arguments of the network."""
        batch = dict(batchdata)
        images, views = batch["image"].shape[:2]
        for key in ("image", "mask", "foreground"):
            if key in batch:
                batch[key] = batch[key].transpose(0, 1).flatten(0, 1)
        if "guidance" in batch:
            batch["guidance"] = batch["guidance"].repeat(views, 1)
        image, target, args, named = super().__call__(batch, device, non_blocking, **kwargs)
        target["view"] = torch.arange(views, device=image.device).repeat_interleave(images)
        return image, target, args, named


class PrepareClassificationBatch(PrepareBatch):
    """Image and clinical prior for the network; the labels of each task for the loss.

    The batch holds "image" (B, C, *S), "prior" (B, P) with NaN where missing (absent if the network takes none), and
    one label (B,) per task, -1 where unknown.

    Args:
        tasks: Names of the tasks, which are also the keys of their labels.
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
